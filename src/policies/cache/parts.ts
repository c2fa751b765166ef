/** Parts of answers, and how several of them become a longer one, or the whole (RFC 9111 §3.3 and §3.4). */
import type { AnswerFacts } from '#base/answer-store.ts';
import type { ByteRange } from '#wire/fields/byte-ranges.ts';
import { type ContentRange, parseContentRange } from '#wire/fields/content-range.ts';
import { isWeakTag } from '#wire/fields/entity-tags.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { readDateMs } from './freshness.ts';
import { updateFields } from './storing.ts';

const PART = 206;
const WHOLE = 200;

/** What is there of an answer, around what was asked for. */
export interface PartsAround {
  readonly before: Buffer;
  readonly after: Buffer;
  readonly wholeBytes: number;
}

/** The one part that an answer holds; `undefined`: it holds several, or none, or does not say how long the whole is. */
export function readPart(
  { status, fields }: { readonly status: number; readonly fields: readonly string[] },
  announcedBytes: number | undefined,
): ContentRange | undefined {
  const lines = status === PART ? getFieldValues(fields, 'content-range') : [];
  const range = lines.length === 1 ? parseContentRange(lines[0]!) : undefined;
  if (range === undefined || (announcedBytes !== undefined && announcedBytes !== range.end - range.start)) return undefined;
  return range;
}

/** The fields that ask for what is missing; `undefined`: it is not one part, or nobody could tell whether it belongs to the rest. */
export function toMissing(facts: AnswerFacts): readonly string[] | undefined {
  const validator = findStrongValidator(facts);
  const missing = findMissing(facts);
  if (validator === undefined || missing === undefined) return undefined;
  // A service may have grown what it has; `If-Range` takes care of that.
  return [
    'range',
    `bytes=${missing.start}-${missing.end === facts.part!.wholeBytes ? '' : missing.end - 1}`,
    'if-range',
    validator,
  ];
}

/** Where a part of an answer makes the whole of what is kept. */
export function toPartsAround(kept: AnswerFacts, told: readonly string[], range: ContentRange): PartsAround | undefined {
  const missing = findMissing(kept);
  if (missing === undefined || kept.part!.wholeBytes !== range.wholeBytes || !isTheSame(kept, told)) return undefined;
  if (missing.start !== range.start || missing.end !== range.end) return undefined;
  const nothing = kept.body.subarray(0, 0);
  const { wholeBytes } = range;
  return missing.start === 0
    ? { before: nothing, after: kept.body, wholeBytes }
    : { before: kept.body, after: nothing, wholeBytes };
}

/** The longest answer that is known from a part that has come and what is kept: the part alone, or more. */
export function joinParts(come: AnswerFacts, kept: AnswerFacts | undefined, bytesMax: number): AnswerFacts {
  const { part } = come;
  if (part === undefined) return come;
  const joined = kept === undefined ? undefined : join(come, kept, bytesMax);
  const { firstByte, body } = joined ?? { firstByte: part.firstByte, body: come.body };
  const fields = joined === undefined ? come.fields : updateFields(kept!.fields, come.fields);
  if (body.length === part.wholeBytes) return { ...come, status: WHOLE, fields, body, part: undefined };
  return { ...come, fields, body, part: { firstByte, wholeBytes: part.wholeBytes } };
}

/** `undefined`: they do not belong together, or something is missing between them. */
function join(come: AnswerFacts, kept: AnswerFacts, bytesMax: number): { firstByte: number; body: Buffer } | undefined {
  if (come.part?.wholeBytes !== kept.part?.wholeBytes || !isTheSame(kept, come.fields)) return undefined;
  const start = come.part!.firstByte;
  const end = start + come.body.length;
  const keptStart = kept.part!.firstByte;
  const keptEnd = keptStart + kept.body.length;
  const firstByte = Math.min(start, keptStart);
  if (start > keptEnd || keptStart > end || Math.max(end, keptEnd) - firstByte > bytesMax) return undefined;
  const before = kept.body.subarray(0, Math.max(0, start - keptStart));
  const after = kept.body.subarray(Math.max(0, end - keptStart));
  const body = Buffer.allocUnsafeSlow(before.length + come.body.length + after.length);
  before.copy(body);
  come.body.copy(body, before.length);
  after.copy(body, before.length + come.body.length);
  return { firstByte, body };
}

/** What is missing of the whole, where that is in one piece. */
function findMissing({ part, body }: AnswerFacts): ByteRange | undefined {
  if (part === undefined) return undefined;
  const end = part.firstByte + body.length;
  if (part.firstByte === 0) return { start: end, end: part.wholeBytes };
  return end === part.wholeBytes ? { start: 0, end: part.firstByte } : undefined;
}

/** RFC 9111 §3.4: parts of the same thing, to the byte. */
function isTheSame(kept: AnswerFacts, told: readonly string[]): boolean {
  const validator = findStrongValidator(kept);
  return validator !== undefined && validator === getField(told, validator.startsWith('"') ? 'etag' : 'last-modified');
}

/** RFC 9110 §8.8.2.2: a date is a strong one if nothing can have changed in the same second. */
function findStrongValidator({ fields, dateMs }: AnswerFacts): string | undefined {
  const tag = getField(fields, 'etag');
  if (tag !== undefined) return isWeakTag(tag) || !tag.startsWith('"') ? undefined : tag;
  const changed = getField(fields, 'last-modified');
  const changedMs = readDateMs(changed, dateMs);
  return changedMs !== undefined && dateMs - changedMs >= 1_000 ? changed : undefined;
}
