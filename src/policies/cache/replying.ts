/** What a client gets of an answer that is kept: all of it, a part, or that it has it already (RFC 9110 §13 and §14). */
import type { AnswerFacts, AnswerPart, StoredAnswer } from '#base/answer-store.ts';
import { type ByteRange, readByteRanges } from '#wire/fields/byte-ranges.ts';
import { formatContentRange } from '#wire/fields/content-range.ts';
import { isWeakTag, listsTag } from '#wire/fields/entity-tags.ts';
import { getField, getFieldValues, hasField, removeFields, setField } from '#wire/fields/field-list.ts';
import type { Asked } from './asked.ts';
import type { CachePlace } from './cache-place.ts';
import { sayHit } from './cache-status.ts';
import { readDateMs } from './freshness.ts';
import { type SaidOfReply, StoredReply, toTtlS } from './stored-reply.ts';

export interface RepliedRequest {
  readonly method: string;
  readonly fields: readonly string[];
}

/** `wallMs`: the time since 1970 at which those of the request, or what it asks of a part, are looked at; `undefined`: it has none. */
export function toReply(
  answer: StoredAnswer,
  request: RepliedRequest,
  { ageS, said, wallMs }: { readonly ageS: number; readonly said: SaidOfReply; readonly wallMs: number | undefined },
): StoredReply {
  const reply = new StoredReply(answer, ageS, said);
  if (wallMs !== undefined && answer.facts.status === 200) shape(reply, answer, request, wallMs);
  if (request.method === 'HEAD') reply.body = undefined;
  return reply;
}

/** The same of an answer that may be used as it is, and whoever watches is told. */
export function replyAsHit(
  answer: StoredAnswer,
  { exchange, traits }: Asked,
  { config, clock }: Pick<CachePlace, 'config' | 'clock'>,
  nowMs: number,
): StoredReply {
  const ageS = toAgeS(answer.facts, nowMs);
  exchange.journal?.note('cache', sayHit(toTtlS(answer.facts, ageS)));
  const said = config.statusHeader ? 'hit' : 'nothing';
  const wallMs = traits.hasConditions ? clock.wallMs() : undefined;
  return toReply(answer, exchange.request, { ageS, said, wallMs });
}

/** The same of a part of an answer; `undefined`: it is not enough (RFC 9111 §3.3). */
export function toReplyOfPart(
  answer: StoredAnswer,
  { method, fields }: RepliedRequest,
  { ageS, said, wallMs }: { readonly ageS: number; readonly said: SaidOfReply; readonly wallMs: number },
): StoredReply | undefined {
  const { body, part } = answer.facts;
  const asked = method === 'GET' ? getField(fields, 'range') : undefined;
  if (asked === undefined || part === undefined || asksWhetherTheSame(fields)) return undefined;
  if (!isMeant(answer.facts.fields, getField(fields, 'if-range'), wallMs)) return undefined;
  const ranges = readByteRanges(asked, part.wholeBytes);
  if (typeof ranges === 'string' || ranges.length > 1) return undefined;
  const [{ start, end }] = ranges;
  if (start < part.firstByte || end > part.firstByte + body.length) return undefined;
  const reply = new StoredReply(answer, ageS, said);
  toPart(reply, body, { start, end, ...part });
  return reply;
}

function asksWhetherTheSame(fields: readonly string[]): boolean {
  return hasField(fields, 'if-none-match') || hasField(fields, 'if-modified-since');
}

/** RFC 9111 §4.2.3. */
export function toAgeS({ bornMs }: Pick<AnswerFacts, 'bornMs'>, nowMs: number): number {
  return nowMs <= bornMs ? 0 : Math.floor((nowMs - bornMs) / 1_000);
}

function shape(reply: StoredReply, { facts }: StoredAnswer, { method, fields }: RepliedRequest, wallMs: number): void {
  if (isTheSame(facts, fields, wallMs)) return toNotModified(reply);
  const asked = method === 'GET' ? getField(fields, 'range') : undefined;
  if (asked === undefined || !isMeant(facts.fields, getField(fields, 'if-range'), wallMs)) return;
  const ranges = readByteRanges(asked, facts.body.length);
  if (ranges === 'unsatisfiable') toUnsatisfiable(reply, facts.body.length);
  // Several are sent as the whole, which RFC 9110 §14.2 allows.
  else if (ranges !== 'whole' && ranges.length === 1)
    toPart(reply, facts.body, { ...ranges[0], firstByte: 0, wholeBytes: facts.body.length });
}

/** RFC 9110 §13.2.2: with tags, dates do not count. */
function isTheSame(facts: StoredAnswer['facts'], asked: readonly string[], wallMs: number): boolean {
  const tags = getFieldValues(asked, 'if-none-match');
  if (tags.length > 0) return isListed(tags.join(','), getField(facts.fields, 'etag'));
  const sinceMs = readDateMs(getField(asked, 'if-modified-since'), wallMs);
  if (sinceMs === undefined) return false;
  // RFC 9111 §4.3.2: what does not say when it was changed was made no later than that.
  const changed = getField(facts.fields, 'last-modified');
  const changedMs = changed === undefined ? facts.dateMs : readDateMs(changed, wallMs);
  return changedMs !== undefined && changedMs <= sinceMs;
}

/** `*` stands for whatever there is. Some services write tags without quotes, and their clients do so too. */
function isListed(list: string, tag: string | undefined): boolean {
  const trimmed = list.trim();
  return trimmed === '*' || (tag !== undefined && (trimmed === tag || listsTag(list, tag, 'weak')));
}

/** RFC 9110 §13.1.5: a part is of use only together with the same whole. */
function isMeant(fields: readonly string[], ifRange: string | undefined, wallMs: number): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return !isWeakTag(ifRange) && ifRange === getField(fields, 'etag');
  return readDateMs(ifRange, wallMs) !== undefined && ifRange === getField(fields, 'last-modified');
}

/** RFC 9110 §15.4.5: what is about the body that is not sent is left out, except what tells it from others. */
function toNotModified(reply: StoredReply): void {
  reply.status = 304;
  reply.body = undefined;
  reply.contentLengthBytes = undefined;
  removeFields(
    reply.fields,
    (name) =>
      (name.startsWith('content-') && name !== 'content-location' && !name.startsWith('content-security-')) ||
      name === 'accept-ranges',
  );
}

/** `firstByte`: of the whole, at the beginning of `body`. */
function toPart(reply: StoredReply, body: Buffer, { start, end, firstByte, wholeBytes }: ByteRange & AnswerPart): void {
  reply.status = 206;
  reply.body = body.subarray(start - firstByte, end - firstByte);
  reply.contentLengthBytes = reply.body.length;
  setField(reply.fields, 'content-range', formatContentRange({ start, end, wholeBytes }));
}

function toUnsatisfiable(reply: StoredReply, wholeBytes: number): void {
  reply.status = 416;
  reply.body = undefined;
  reply.contentLengthBytes = 0;
  removeFields(reply.fields, (name) => name.startsWith('content-'));
  reply.fields.push('content-range', `bytes */${wholeBytes}`);
}
