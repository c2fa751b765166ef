/** Names of what a line of the access log may hold. No zod here: data threads put lines together by these. */
import type { SplitText } from './split-references.ts';

/** The fields of a line where nothing is chosen, in their order. Those without a value are left out. */
export const defaultLogFields = [
  'time',
  'id',
  'client',
  'listener',
  'protocol',
  'method',
  'host',
  'target',
  'serverName',
  'status',
  'requestBytes',
  'responseBytes',
  'route',
  'service',
  'endpoint',
  'durationMs',
  'upstreamMs',
  'connectMs',
  'traceId',
  'spanId',
  'batchOf',
  'consumer',
  'attempts',
  'calls',
  'tried',
  'notRetried',
  'fallback',
  'cache',
  'tunnel',
  'code',
  'detail',
  'reported',
] as const;

/** Those that have to be asked for. */
const furtherLogFields = [
  'time.common',
  'time.unixMs',
  'path',
  'query',
  'scheme',
  'peer',
  'port',
  'groups',
  'configuration',
] as const;
export const namedLogFields = ['request.header', 'response.header', 'query', 'claim', 'path'] as const;

export const plainLogFields = [...defaultLogFields, ...furtherLogFields] as const;
export type PlainLogField = (typeof plainLogFields)[number];
export type NamedLogField = (typeof namedLogFields)[number];

export type LogField =
  | { readonly kind: PlainLogField; readonly name?: undefined }
  /** Names of headers are in lower case. */
  | { readonly kind: NamedLogField; readonly name: string };

/** Literal text and fields, in order. */
export type LogText = SplitText<LogField>;

/** As it is written. */
export function toFieldText({ kind, name }: LogField): string {
  return name === undefined ? kind : `${kind}.${name}`;
}
