/** How long an answer is fresh, and how long it may be used afterwards (RFC 9111 §4.2, RFC 5861). */
import { type AnswerDirectives, SECONDS_MAX } from '#wire/fields/cache-control.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { parseHttpDate } from '#wire/fields/http-dates.ts';
import type { TtlByStatus } from './config.ts';
import { isHeuristicallyCacheable } from './statuses.ts';

const HEURISTIC_SHARE = 0.1;
const HEURISTIC_MS_MAX = 24 * 60 * 60 * 1_000;

/** An answer as it came, and when. */
export interface ReceivedAnswer {
  readonly status: number;
  /** With a date. */
  readonly fields: readonly string[];
  /** Monotonic: when it was asked for, and when its head was there. */
  readonly requestedMs: number;
  readonly receivedMs: number;
  /** The same moment as `receivedMs`, since 1970. */
  readonly receivedWallMs: number;
}

export interface FreshnessRules {
  readonly ttl: TtlByStatus | undefined;
  readonly heuristic: boolean;
  readonly staleWhileRevalidateMs: number | undefined;
  readonly staleIfErrorMs: number | undefined;
}

/** All times are monotonic. */
export interface Freshness {
  readonly bornMs: number;
  readonly freshUntilMs: number;
  readonly usableWhileAskedMs: number;
  readonly usableOnErrorMs: number;
  readonly isNeverStale: boolean;
  /** The answer, or the configuration, says how long it is fresh. */
  readonly isExplicit: boolean;
}

export function findFreshness(answer: ReceivedAnswer, directives: AnswerDirectives, rules: FreshnessRules): Freshness {
  const dateMs = findDateMs(answer);
  const bornMs = answer.receivedMs - findAgeMs(answer, dateMs);
  const said = findSaidMs(answer, directives, dateMs);
  const lifetimeMs = said ?? findTtlMs(rules.ttl, answer.status) ?? findHeuristicMs(answer, directives, rules, dateMs);
  const freshUntilMs = bornMs + lifetimeMs;
  const { staleWhileRevalidateS, staleIfErrorS } = directives;
  // RFC 9111 §5.2.2.2, §5.2.2.8 and §5.2.2.10: once it is not fresh any more, the service has to be asked.
  const isStrict = directives.mustRevalidate || directives.proxyRevalidate || directives.noCache === 'all';
  const isNeverStale = isStrict || directives.sharedMaxAgeS !== undefined;
  // `s-maxage` says it by the way only: beside it, a time that the answer gives itself is what was meant.
  const toUsableMs = (saidS: number | undefined, otherwiseMs: number | undefined) => {
    if (isStrict) return freshUntilMs;
    return freshUntilMs + (saidS !== undefined ? saidS * 1_000 : isNeverStale ? 0 : (otherwiseMs ?? 0));
  };
  return {
    bornMs,
    freshUntilMs,
    usableWhileAskedMs: toUsableMs(staleWhileRevalidateS, rules.staleWhileRevalidateMs),
    usableOnErrorMs: toUsableMs(staleIfErrorS, rules.staleIfErrorMs),
    isNeverStale,
    isExplicit: said !== undefined,
  };
}

/** What the answer says itself of how long it is fresh; `undefined`: nothing. */
function findSaidMs(
  { fields, receivedWallMs }: ReceivedAnswer,
  directives: AnswerDirectives,
  dateMs: number,
): number | undefined {
  const seconds = directives.sharedMaxAgeS ?? directives.maxAgeS;
  if (seconds !== undefined) return seconds * 1_000;
  if (directives.isTargeted) return undefined;
  const [expires, ...others] = getFieldValues(fields, 'expires');
  if (expires === undefined) return undefined;
  // RFC 9111 §5.3: what is no date, `0` above all, is in the past. Several lines are one text (§4.2.1), which is none.
  const expiresMs = others.length > 0 ? undefined : readDateMs(expires, receivedWallMs);
  return expiresMs === undefined ? 0 : Math.min(Math.max(0, expiresMs - dateMs), SECONDS_MAX * 1_000);
}

function findTtlMs(ttl: TtlByStatus | undefined, status: number): number | undefined {
  return ttl?.[String(status)] ?? ttl?.[`${Math.floor(status / 100)}xx`];
}

/** RFC 9111 §4.2.2. */
function findHeuristicMs(
  { status, fields, receivedWallMs }: ReceivedAnswer,
  { isPublic }: AnswerDirectives,
  { heuristic }: FreshnessRules,
  dateMs: number,
): number {
  if (!heuristic || !(isPublic || isHeuristicallyCacheable(status))) return 0;
  const lastModified = getField(fields, 'last-modified');
  const changedMs = readDateMs(lastModified, receivedWallMs);
  if (changedMs === undefined || changedMs >= dateMs) return 0;
  return Math.min((dateMs - changedMs) * HEURISTIC_SHARE, HEURISTIC_MS_MAX);
}

/** When the answer was made, by the clock of who made it. */
export function findDateMs({ fields, receivedWallMs }: Pick<ReceivedAnswer, 'fields' | 'receivedWallMs'>): number {
  return readDateMs(getField(fields, 'date'), receivedWallMs) ?? receivedWallMs;
}

/** Milliseconds since 1970; `undefined`: it is not there, or no date. */
export function readDateMs(text: string | undefined, wallMs: number): number | undefined {
  const seconds = text === undefined ? undefined : parseHttpDate(text, wallMs);
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** RFC 9111 §4.2.3: how old it was when it came. */
function findAgeMs({ fields, requestedMs, receivedMs, receivedWallMs }: ReceivedAnswer, dateMs: number): number {
  // Dates are cut off to seconds, so what is less than one is no age.
  const apparentMs = Math.max(0, Math.floor((receivedWallMs - dateMs) / 1_000) * 1_000);
  return Math.max(apparentMs, readAgeMs(fields) + (receivedMs - requestedMs));
}

/** RFC 9111 §5.1: of a list the first counts; what is no number is not there. */
function readAgeMs(fields: readonly string[]): number {
  const text = getField(fields, 'age');
  const comma = text?.indexOf(',') ?? -1;
  const first = (comma < 0 ? text : text?.substring(0, comma))?.trim();
  return first !== undefined && /^\d+$/.test(first) ? Math.min(Number(first), SECONDS_MAX) * 1_000 : 0;
}
