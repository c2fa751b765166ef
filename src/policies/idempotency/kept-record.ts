/** What the store holds for a key: that a request runs, its answer, or that its answer is not there. A line of JSON, and behind it the body. */
import type { Reply } from '#http/response.ts';

const LINE_END = 0x0a;

export type KeptRecord =
  | { readonly kind: 'running'; readonly fingerprint: string }
  /** The request has been answered, but the answer was too long. */
  | { readonly kind: 'gone'; readonly fingerprint: string }
  | {
      readonly kind: 'answer';
      readonly fingerprint: string;
      readonly status: number;
      readonly fields: readonly string[];
      readonly body: Buffer;
    };

export function encodeRecord(record: KeptRecord): Buffer {
  if (record.kind !== 'answer') return Buffer.from(`${JSON.stringify(record)}\n`);
  const { body, ...head } = record;
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
}

/** `undefined`: it is none of ours. */
export function decodeRecord(bytes: Buffer): KeptRecord | undefined {
  const end = bytes.indexOf(LINE_END);
  if (end < 0) return undefined;
  let head: Exclude<KeptRecord, { kind: 'answer' }> | Omit<Extract<KeptRecord, { kind: 'answer' }>, 'body'>;
  try {
    head = JSON.parse(bytes.toString('utf8', 0, end)) as typeof head;
  } catch {
    // Whatever has written there, it was none of us.
    return undefined;
  }
  return head.kind === 'answer' ? { ...head, body: bytes.subarray(end + 1) } : head;
}

export function toReplay({ status, fields, body }: Extract<KeptRecord, { kind: 'answer' }>): Reply {
  const repeated = [...fields, 'idempotency-replayed', 'true'];
  // RFC 9110 §8.6: the length that a 304 tells is that of what the client has.
  const contentLengthBytes = status === 304 ? undefined : body.length;
  return { status, fields: repeated, contentLengthBytes, body: body.length === 0 ? undefined : body };
}
