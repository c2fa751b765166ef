/** What of an answer is kept, and whether it is (RFC 9111 §3). */
import type { AnswerFacts, AnswerPart, AnswerSelection } from '#base/answer-store.ts';
import { type AnswerDirectives, type FieldsOf, readAnswerDirectives } from '#wire/fields/cache-control.ts';
import { getFieldValues, hasField, removeField, removeFields } from '#wire/fields/field-list.ts';
import { formatHttpDate } from '#wire/fields/http-dates.ts';
import { type Freshness, type FreshnessRules, findDateMs, findFreshness, type ReceivedAnswer } from './freshness.ts';
import { findSelection, type SelectingRequest } from './selecting.ts';
import { isHeuristicallyCacheable, isUnderstood } from './statuses.ts';

/** How long an answer that is not fresh any more is kept: it may turn out to be the same still, or be all there is. */
export const KEPT_STALE_MS = 24 * 60 * 60 * 1_000;
const TAGS_MAX = 64;
const TAG_LENGTH_MAX = 256;

export interface StoringRules extends FreshnessRules {
  readonly targets: readonly string[];
  readonly tags: string | undefined;
}

/** What was asked, and in whose name. */
export interface AskedRequest extends SelectingRequest {
  /** The fields that the service was sent. */
  readonly sentFields: readonly string[];
  /** `no-store` of the client (RFC 9111 §5.2.1.5). */
  readonly noStore: boolean;
  /** The service knows who asked, so the answer may be for that one alone (RFC 9111 §3.5). */
  readonly isPersonal: boolean;
  /** A part was asked for, and this is one (RFC 9111 §3.3). */
  readonly isPart: boolean;
}

/** Everything about an answer but its body. */
export type StoredHead = Omit<AnswerFacts, 'body' | 'part'>;

/** Why an answer is not kept, in words for `Cache-Status`; otherwise what is kept of it. */
export function toStoredHead(received: ReceivedAnswer, asked: AskedRequest, rules: StoringRules): StoredHead | string {
  const answer = { ...received, fields: withDate(received) };
  const directives = readAnswerDirectives(answer.fields, rules.targets);
  const freshness = findFreshness(answer, directives, rules);
  const refusal = findRefusal(answer, asked, { directives, freshness });
  if (refusal !== undefined) return refusal;
  const selection = findSelection(answer.fields, asked, asked.sentFields);
  if (selection === 'never') return 'vary';
  if (!isOfUse(answer, directives, freshness)) return 'not-fresh';
  return toHead(answer, { directives, freshness, selection, rules });
}

interface Judgement {
  readonly directives: AnswerDirectives;
  readonly freshness: Freshness;
}

/** RFC 9111 §3, in its order. */
function findRefusal(
  { status, fields }: ReceivedAnswer,
  { noStore, isPersonal, isPart }: AskedRequest,
  { directives, freshness }: Judgement,
): string | undefined {
  const { mustUnderstand, mustRevalidate, isPublic, sharedMaxAgeS } = directives;
  // §3.3 and §4.3: neither is a whole answer by itself.
  if ((status === 206 && !isPart) || status === 304) return 'status';
  if (noStore) return 'no-store-asked';
  if (mustUnderstand && !isUnderstood(status)) return 'must-understand';
  // §5.2.2.3: who understands the status passes over the `no-store` that is there for who does not.
  if (directives.noStore && !mustUnderstand) return 'no-store';
  if (directives.private === 'all') return 'private';
  if (isPersonal && !(mustRevalidate || isPublic || sharedMaxAgeS !== undefined)) return 'authorization';
  const saysItself = isPublic || freshness.isExplicit;
  if (!saysItself && !isHeuristicallyCacheable(status) && freshness.freshUntilMs <= freshness.bornMs) return 'status';
  // §7.3 leaves it to the service; where it says nothing at all, a cookie is taken to be meant for one client.
  return !saysItself && hasField(fields, 'set-cookie') ? 'set-cookie' : undefined;
}

/** Fresh at some time, or at least something that the service can be asked about; it is not asked about parts. */
function isOfUse({ status, fields }: ReceivedAnswer, { noCache }: AnswerDirectives, freshness: Freshness): boolean {
  if (status !== 206 && (hasField(fields, 'etag') || hasField(fields, 'last-modified'))) return true;
  const { bornMs, freshUntilMs, usableWhileAskedMs, usableOnErrorMs } = freshness;
  return noCache !== 'all' && Math.max(freshUntilMs, usableWhileAskedMs, usableOnErrorMs) > bornMs;
}

interface HeadParts extends Judgement {
  readonly selection: AnswerSelection | undefined;
  readonly rules: StoringRules;
}

function toHead(answer: ReceivedAnswer, { directives, freshness, selection, rules }: HeadParts): StoredHead {
  const { bornMs, freshUntilMs, usableWhileAskedMs, usableOnErrorMs, isNeverStale } = freshness;
  return {
    status: answer.status,
    fields: toStoredFields(answer, directives, rules),
    selection,
    dateMs: findDateMs(answer),
    bornMs,
    freshUntilMs,
    usableWhileAskedMs,
    usableOnErrorMs,
    keptUntilMs: Math.max(freshUntilMs + KEPT_STALE_MS, usableWhileAskedMs, usableOnErrorMs),
    isAlwaysAsked: directives.noCache === 'all',
    isNeverStale,
    isImmutable: directives.isImmutable,
    tags: rules.tags === undefined ? [] : readTags(answer.fields, rules.tags),
  };
}

/** RFC 9110 §6.6.1: who has a clock adds the date that is missing. */
export function withDate({ fields, receivedWallMs }: ReceivedAnswer): readonly string[] {
  return hasField(fields, 'date') ? fields : [...fields, 'date', formatHttpDate(receivedWallMs)];
}

/** RFC 9111 §3.1: what is about one connection, or for one proxy, is not kept. Fields of the connection are gone already. */
const notStored: ReadonlySet<string> = new Set([
  'age',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);

function toStoredFields(
  { status, fields }: ReceivedAnswer,
  { noCache, private: personal }: AnswerDirectives,
  { tags }: Pick<StoringRules, 'tags'>,
): string[] {
  const stored = [...fields];
  removeFields(stored, (name) => notStored.has(name) || isNamed(noCache, name) || isNamed(personal, name));
  if (tags !== undefined) removeField(stored, tags);
  // Which part it is stands apart, and may change.
  if (status === 206) removeField(stored, 'content-range');
  return stored;
}

/** RFC 9111 §5.2.2.4 and §5.2.2.7: fields that are not to be used again, while the rest of the answer may be. */
function isNamed(fields: FieldsOf, name: string): boolean {
  return typeof fields !== 'string' && fields.includes(name);
}

function readTags(fields: readonly string[], name: string): string[] {
  const tags = getFieldValues(fields, name).flatMap((line) => line.split(/[\s,]+/));
  return [...new Set(tags)].filter((tag) => tag !== '' && tag.length <= TAG_LENGTH_MAX).slice(0, TAGS_MAX);
}

/** What belongs to the body that is kept, and not to the answer that says that it is the same still. Content-Length is none of the fields. */
const ofTheBody: ReadonlySet<string> = new Set(['content-encoding', 'content-range', 'transfer-encoding']);

/** RFC 9111 §3.2: the fields of an answer after another one has told that it is the same still. */
export function updateFields(stored: readonly string[], told: readonly string[]): string[] {
  const replaced = new Set<string>();
  for (let i = 0; i < told.length; i += 2) if (!ofTheBody.has(told[i]!)) replaced.add(told[i]!);
  const updated = [...stored];
  removeFields(updated, (name) => replaced.has(name));
  for (let i = 0; i < told.length; i += 2) if (replaced.has(told[i]!)) updated.push(told[i]!, told[i + 1]!);
  return updated;
}

export function toFacts(head: StoredHead, body: Buffer, part?: AnswerPart): AnswerFacts {
  return { ...head, body, part: part && { firstByte: part.firstByte, wholeBytes: part.wholeBytes } };
}
