/** The bytes of a recorded body, as they were sent, as far as they are known. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { RecordedAnswer, RecordedBody, RecordedExchange, RecordedFields } from './recorded-exchange.ts';

export interface RecordedBytes {
  readonly bytes: Buffer;
  /** All of it is there, though something may have been replaced. */
  readonly isWhole: boolean;
}

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  'x-gzip': (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};

/** Without what compressed it. */
export function toPlainBytes(body: RecordedBody | undefined): RecordedBytes {
  if (body === undefined) return { bytes: noBytes, isWhole: true };
  const { text, base64, truncated, omitted } = body;
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
  return { bytes, isWhole: truncated === undefined && omitted === undefined };
}

/** Compressed as it was. */
export function toSentBytes(body: RecordedBody | undefined): RecordedBytes {
  const plain = toPlainBytes(body);
  const encode = body?.coding === undefined || plain.bytes.length === 0 ? undefined : encoders[body.coding];
  return encode === undefined ? plain : { ...plain, bytes: encode(plain.bytes) };
}

/** Most answers reached the client as they came from the service. */
export function bodyOfCall({ answer }: RecordedExchange, { body }: RecordedAnswer): RecordedBody | undefined {
  return body?.same === true ? answer.body : body;
}

/** Names and values, alternating. */
export function toFieldList(fields: RecordedFields): string[] {
  return fields.flat();
}

const noBytes = Buffer.alloc(0);

/** A target without the parameters whose values were replaced. */
export function withoutRedacted(target: string): string {
  const question = target.indexOf('?');
  if (question < 0) return target;
  const kept = target
    .slice(question + 1)
    .split('&')
    .filter((pair) => !pair.includes('=redacted:'));
  return kept.length === 0 ? target.slice(0, question) : `${target.slice(0, question)}?${kept.join('&')}`;
}
