/**
 * A kept answer as bytes: in memory that threads share, and in a store that gateways share. What is read may have been changed
 * by somebody else while it was read, or may be of another version: whatever is not exactly what is written here is nothing.
 *
 * A fixed part, the lengths of all texts as varints, the texts behind one another, the body.
 */
import type { AnswerFacts } from '#base/answer-store.ts';

const FORMAT = 1;

/** Where the numbers of the fixed part stand. */
const FLAGS_AT = 1;
const STATUS_AT = 2;
const COUNTS_AT = 4;
const BODY_BYTES_AT = 16;
const TIMES_AT = 20;
const PART_AT = 68;
const FIXED_BYTES = 84;

const hasPart = 1;
const hasSelection = 2;
const isAlwaysAsked = 4;
const isNeverStale = 8;
const isImmutable = 16;
/** Some character is none of ISO 8859-1: all texts are in UTF-16. */
const isWide = 32;
const FLAGS_END = 64;

const STATUS_MIN = 200;
const STATUS_MAX = 999;
/** Of fields, tags and names together; more is no answer. */
const TEXTS_MAX = 100_000;
/** Address, partition and the values of the selection. */
const KEY_TEXTS = 3;
const VARINT_BYTES_MAX = 5;
const NARROW_CHARACTER_MAX = 0xff;
/** In a field, these would begin another one. */
const notInFields = /[\r\n\0]/;

const noBody = Buffer.alloc(0);

/** An answer with what it is kept by. */
export interface AnswerRecord {
  readonly uri: string;
  readonly partition: string;
  readonly facts: AnswerFacts;
}

/** All but the body, which stands behind it as it is. `shiftMs` is added to its monotonic times. */
export function encodeAnswerHead({ uri, partition, facts }: AnswerRecord, shiftMs = 0): Buffer {
  const { selection, part, fields, tags } = facts;
  const names = selection?.names ?? [];
  const texts = [uri, partition, selection?.values ?? '', ...fields, ...tags, ...names];
  const text = texts.join('');
  const wide = isNarrow(text) ? 0 : isWide;
  const textBytes = wide === 0 ? text.length : 2 * text.length;
  const head = Buffer.allocUnsafe(FIXED_BYTES + VARINT_BYTES_MAX * texts.length + textBytes);
  head[0] = FORMAT;
  head[FLAGS_AT] = toFlags(facts) | wide;
  head.writeUInt16LE(facts.status, STATUS_AT);
  for (const [i, count] of [fields.length, tags.length, names.length, facts.body.length].entries())
    head.writeUInt32LE(count, COUNTS_AT + 4 * i);
  for (const [i, time] of toTimes(facts, shiftMs).entries()) head.writeDoubleLE(time, TIMES_AT + 8 * i);
  head.writeDoubleLE(part?.firstByte ?? 0, PART_AT);
  head.writeDoubleLE(part?.wholeBytes ?? 0, PART_AT + 8);
  let at = FIXED_BYTES;
  for (const { length } of texts) at = writeVarint(head, at, length);
  at += head.write(text, at, wide === 0 ? 'latin1' : 'utf16le');
  return head.subarray(0, at);
}

/** The whole of it. */
export function encodeAnswer(record: AnswerRecord, shiftMs = 0): Buffer {
  const head = encodeAnswerHead(record, shiftMs);
  const { body } = record.facts;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  head.copy(bytes);
  body.copy(bytes, head.length);
  return bytes;
}

/** The body is a view of `bytes`, which nobody may change any more. */
export function decodeAnswer(bytes: Buffer, shiftMs = 0): AnswerRecord | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const bodyBytes = bytes.readUInt32LE(BODY_BYTES_AT);
  const headBytes = bytes.length - bodyBytes;
  return headBytes < FIXED_BYTES ? undefined : decode(bytes.subarray(0, headBytes), bytes.subarray(headBytes), shiftMs);
}

/** Without its body, for who only asks what it is kept by. */
export function decodeAnswerHead(head: Buffer): AnswerRecord | undefined {
  return head.length < FIXED_BYTES ? undefined : decode(head, noBody, 0);
}

function decode(bytes: Buffer, body: Buffer, shiftMs: number): AnswerRecord | undefined {
  if (bytes[0] !== FORMAT) return undefined;
  const flags = bytes[FLAGS_AT]!;
  const status = bytes.readUInt16LE(STATUS_AT);
  if (flags >= FLAGS_END || status < STATUS_MIN || status > STATUS_MAX) return undefined;
  const fieldCount = bytes.readUInt32LE(COUNTS_AT);
  const tagCount = bytes.readUInt32LE(COUNTS_AT + 4);
  const nameCount = bytes.readUInt32LE(COUNTS_AT + 8);
  const count = KEY_TEXTS + fieldCount + tagCount + nameCount;
  const texts = readTexts(bytes.subarray(FIXED_BYTES), count, (flags & isWide) !== 0);
  if (texts === undefined) return undefined;
  const [dateMs, ...times] = [0, 8, 16, 24, 32, 40].map((i) => bytes.readDoubleLE(TIMES_AT + i));
  const [bornMs, freshUntilMs, usableWhileAskedMs, usableOnErrorMs, keptUntilMs] = times.map((time) => time + shiftMs);
  const firstByte = bytes.readDoubleLE(PART_AT);
  const wholeBytes = bytes.readDoubleLE(PART_AT + 8);
  if ([dateMs, ...times, firstByte, wholeBytes].some(Number.isNaN)) return undefined;
  const fieldsEnd = KEY_TEXTS + fieldCount;
  const fields = texts.slice(KEY_TEXTS, fieldsEnd);
  if (fieldCount % 2 !== 0 || notInFields.test(fields.join(''))) return undefined;
  const facts: AnswerFacts = {
    status,
    fields,
    body,
    part: (flags & hasPart) === 0 ? undefined : { firstByte, wholeBytes },
    selection: (flags & hasSelection) === 0 ? undefined : { names: texts.slice(fieldsEnd + tagCount), values: texts[2]! },
    dateMs: dateMs!,
    bornMs: bornMs!,
    freshUntilMs: freshUntilMs!,
    usableWhileAskedMs: usableWhileAskedMs!,
    usableOnErrorMs: usableOnErrorMs!,
    keptUntilMs: keptUntilMs!,
    isAlwaysAsked: (flags & isAlwaysAsked) !== 0,
    isNeverStale: (flags & isNeverStale) !== 0,
    isImmutable: (flags & isImmutable) !== 0,
    tags: texts.slice(fieldsEnd, fieldsEnd + tagCount),
  };
  return { uri: texts[0]!, partition: texts[1]!, facts };
}

function toFlags(facts: AnswerFacts): number {
  let flags = 0;
  if (facts.part !== undefined) flags |= hasPart;
  if (facts.selection !== undefined) flags |= hasSelection;
  if (facts.isAlwaysAsked) flags |= isAlwaysAsked;
  if (facts.isNeverStale) flags |= isNeverStale;
  if (facts.isImmutable) flags |= isImmutable;
  return flags;
}

/** In the order in which they stand. The date is no monotonic time. */
function toTimes(facts: AnswerFacts, shiftMs: number): number[] {
  const { dateMs, bornMs, freshUntilMs, usableWhileAskedMs, usableOnErrorMs, keptUntilMs } = facts;
  const monotonic = [bornMs, freshUntilMs, usableWhileAskedMs, usableOnErrorMs, keptUntilMs];
  return [dateMs, ...monotonic.map((time) => time + shiftMs)];
}

function isNarrow(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > NARROW_CHARACTER_MAX) return false;
  return true;
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest > 0x7f) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}

/** `count` lengths, and the texts behind them, which have to fill `bytes` exactly. */
function readTexts(bytes: Buffer, count: number, wide: boolean): string[] | undefined {
  if (count > TEXTS_MAX || count > bytes.length) return undefined;
  const ends: number[] = [];
  let at = 0;
  let end = 0;
  for (let i = 0; i < count; i++) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift >= 7 * VARINT_BYTES_MAX) return undefined;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    end += length;
    ends.push(end);
  }
  if (at + (wide ? 2 * end : end) !== bytes.length) return undefined;
  const text = wide ? bytes.toString('utf16le', at) : bytes.latin1Slice(at);
  let start = 0;
  return ends.map((textEnd) => {
    const part = text.slice(start, textEnd);
    start = textEnd;
    return part;
  });
}
