/** Whether an answer that is kept may be used for a request as it is (RFC 9111 §4.2). */
import type { StoredAnswer } from '#base/answer-store.ts';
import type { RequestDirectives } from '#wire/fields/cache-control.ts';
import { KEPT_STALE_MS } from './storing.ts';

/** `refresh`: it is used, and asked for anew in the background. `ask`: the service has to be asked first. */
export function judgeUse(
  { facts }: StoredAnswer,
  { noCache, maxAgeS, minFreshS, maxStaleS }: RequestDirectives,
  nowMs: number,
): 'use' | 'refresh' | 'ask' {
  const { bornMs, freshUntilMs } = facts;
  if (facts.isAlwaysAsked || noCache) return 'ask';
  const isFresh = nowMs < freshUntilMs;
  // RFC 8246 §2.1: asking again for what never changes brings nothing.
  if (maxAgeS !== undefined && nowMs - bornMs > maxAgeS * 1_000 && !(isFresh && facts.isImmutable)) return 'ask';
  if (minFreshS !== undefined && freshUntilMs - nowMs < minFreshS * 1_000) return 'ask';
  if (isFresh) return 'use';
  if (nowMs < facts.usableWhileAskedMs) return 'refresh';
  const isWelcome = maxStaleS !== undefined && !facts.isNeverStale && nowMs - freshUntilMs <= maxStaleS * 1_000;
  return isWelcome ? 'use' : 'ask';
}

/** What has become of asking the service. */
export interface FailedQuestion {
  /** With which it has answered; `undefined`: it has not. */
  readonly status: number | undefined;
  /** How long after its time an answer may be used then, as it is set. */
  readonly staleIfErrorMs: number | undefined;
  readonly nowMs: number;
}

/** Whether it may be used where the service has failed (RFC 5861 §4). */
export function mayStandIn(
  { facts }: StoredAnswer,
  { noCache, staleIfErrorS }: RequestDirectives,
  { status, staleIfErrorMs, nowMs }: FailedQuestion,
): boolean {
  const { freshUntilMs } = facts;
  if (facts.isAlwaysAsked || noCache) return false;
  if (nowMs < Math.max(freshUntilMs, facts.usableOnErrorMs)) return true;
  if (facts.isNeverStale) return false;
  if (staleIfErrorS !== undefined && nowMs < freshUntilMs + staleIfErrorS * 1_000) return true;
  // RFC 9111 §4.2.4: who cannot reach the service may use what there is.
  return status === undefined && staleIfErrorMs === undefined && nowMs < freshUntilMs + KEPT_STALE_MS;
}
