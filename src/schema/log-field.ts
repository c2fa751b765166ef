/** What a line of the access log may hold, by the names that configurations use: `status`, `request.header.user-agent`, `path.id`. */
import type { z } from 'zod';
import { CAPTURE_NAME } from './path-pattern.ts';
import { listWords, quote } from './quote.ts';
import { type SplitText, splitReferences } from './split-references.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';
import { readFieldName } from './token.ts';

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
const namedLogFields = ['request.header', 'response.header', 'query', 'claim', 'path'] as const;

const plainLogFields = [...defaultLogFields, ...furtherLogFields] as const;
export type PlainLogField = (typeof plainLogFields)[number];
export type NamedLogField = (typeof namedLogFields)[number];

export type LogField =
  | { readonly kind: PlainLogField; readonly name?: undefined }
  /** Names of headers are in lower case. */
  | { readonly kind: NamedLogField; readonly name: string };

/** Literal text and fields, in order. */
export type LogText = SplitText<LogField>;

const NAME_LENGTH_MAX = 256;
const NAMED = /^(request\.header|response\.header|query|claim|path)\.(.+)$/s;
const MARK = /\$\$\{|\$\{([^}]*)(\}?)/g;

export function readLogField(text: string): Reading<LogField> {
  const plain = plainLogFields.find((name) => name === text);
  if (plain !== undefined) return { value: { kind: plain } };
  const [, group, name = ''] = NAMED.exec(text) ?? [];
  const kind = namedLogFields.find((known) => known === group);
  if (kind === undefined) return { problem: explainField(text) };
  if (name.length > NAME_LENGTH_MAX)
    return { problem: `the name in ${quote(text)} is too long; at most ${NAME_LENGTH_MAX} characters` };
  if (kind === 'path' && !CAPTURE_NAME.test(name)) return { problem: `${quote(name)} is not the name of a capture` };
  if (kind !== 'request.header' && kind !== 'response.header') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}

/** Text in which `${status}` stands for a field. `$${` is a literal `${`. */
export function readLogText(text: string): Reading<LogText> {
  return splitReferences(text, { mark: MARK, isText: isOfConfiguration, read: readLogField });
}

/** One field of a line. */
export function logField(): z.ZodType<LogField, string> {
  return textKind({
    noun: 'a field',
    examples: ['status', 'request.header.user-agent'],
    help: 'A field of a line, such as `status`, `request.header.NAME`, `response.header.NAME`, `query.NAME`, `claim.NAME` or `path.CAPTURE`.',
    read: readLogField,
  });
}

/** Text with fields in it. */
export function logText(help: string): z.ZodType<LogText, string> {
  return textKind({
    noun: 'text',
    examples: ['${client} ${method} ${target} ${status}'],
    help,
    read: (text) =>
      /[\x00-\x08\x0a-\x1f\x7f]/.test(text) ? { problem: 'a line holds no control characters' } : readLogText(text),
  });
}

/** As it is written. */
export function toFieldText({ kind, name }: LogField): string {
  return name === undefined ? kind : `${kind}.${name}`;
}

/** Names of claims may have colons, as in `cognito:groups`. */
function isOfConfiguration(inside: string): boolean {
  return inside.includes(':') && !inside.startsWith('claim.');
}

function explainField(text: string): string {
  const named = namedLogFields.map((kind) => `${kind}.NAME`);
  const suggestion = suggestWord(text, plainLogFields);
  if (suggestion !== undefined) return `unknown field ${quote(text)}; did you mean \`${suggestion}\`?`;
  return `unknown field ${quote(text)}; it is one of the fields of a line, such as \`status\`, or ${listWords(named)}`;
}
