/** Whether an attempt that brought nothing is followed by another one. Knows nothing of sockets and endpoints. */
import type { ErrorKind } from '#base/errors.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { hasField } from '#wire/fields/field-list.ts';
import type { RetryCondition, RetryRules } from './forward-rules.ts';

/** What is known of a request when one of its attempts has brought nothing. */
export interface RetrySituation {
  /** Doing it twice means what doing it once means. */
  readonly isRepeatable: boolean;
  /** There is no body, or all of it that was taken from the client is still there. */
  readonly hasWholeBody: boolean;
  /** The attempt had a connection that was used before. */
  readonly wasReused: boolean;
  /** It was sent once more already although the settings were not asked. */
  readonly hasRepeated: boolean;
  /** How many further attempts the settings have allowed so far. */
  readonly furtherCount: number;
}

export type RetryDecision =
  | { readonly verdict: 'stop' }
  /** It would be sent again if its body were still there. */
  | { readonly verdict: 'body-gone' }
  /** Once more over a fresh connection, whatever the settings: nothing is wrong with the service. */
  | { readonly verdict: 'repeat' }
  | {
      readonly verdict: 'retry';
      /** Time has passed in vain: the same endpoint would hardly do better. */
      readonly onlyElsewhere: boolean;
      /** Nobody was reached, so the service has had no work with it. */
      readonly wasUntouched: boolean;
      /** A connection that was used before may be of no use either. */
      readonly needsFresh: boolean;
    };

const TIMEOUT_STATUS = 504;

const stop = { verdict: 'stop' } as const;
const bodyGone = { verdict: 'body-gone' } as const;
const repeat = { verdict: 'repeat' } as const;

/** Doing it twice means what doing it once means, or the service knows by a key that it has done it. */
export function isRepeatable(request: ClientRequest, { methods }: RetryRules): boolean {
  return methods.has(request.method) || (request.hasIdempotencyKey ?? hasField(request.fields, 'idempotency-key'));
}

/** After an error. */
export function decideAfterError(kind: ErrorKind, rules: RetryRules, situation: RetrySituation): RetryDecision {
  const { hasWholeBody, furtherCount } = situation;
  if (mayBeRepeated(kind, situation)) return hasWholeBody ? repeat : bodyGone;
  const condition = toCondition(kind);
  if (condition === undefined || !rules.conditions.has(condition) || furtherCount >= rules.furtherAttemptsMax) return stop;
  if (kind.retry !== 'always' && !situation.isRepeatable) return stop;
  if (!hasWholeBody) return bodyGone;
  return {
    verdict: 'retry',
    onlyElsewhere: kind.status === TIMEOUT_STATUS,
    wasUntouched: condition === 'connect',
    needsFresh: condition !== 'connect',
  };
}

/** How an attempt was answered. */
export interface AttemptAnswer {
  readonly status: number;
  /** A call of gRPC has ended with this status; 0: it has not, or well. */
  readonly grpcStatus: number;
}

export function isUnwanted({ status, grpcStatus }: AttemptAnswer, { statuses, grpcStatuses }: RetryRules): boolean {
  return grpcStatus > 0 ? grpcStatuses.has(grpcStatus) : statuses.has(status);
}

/** After an answer that the settings may not want. */
export function decideAfterAnswer(answer: AttemptAnswer, rules: RetryRules, situation: RetrySituation): RetryDecision {
  // Every call of gRPC is a POST, so the method says nothing: who names a status says that the call may be done twice.
  const mayBeDoneTwice = situation.isRepeatable || answer.grpcStatus > 0;
  if (!isUnwanted(answer, rules) || situation.furtherCount >= rules.furtherAttemptsMax || !mayBeDoneTwice) return stop;
  if (!situation.hasWholeBody) return bodyGone;
  return { verdict: 'retry', onlyElsewhere: false, wasUntouched: false, needsFresh: false };
}

/**
 * Safe whatever it asks for when the upstream has said that it has not looked at it (RFC 9113 §8.7). A reused connection may
 * have been closed under us; then it is safe if doing it twice is.
 */
function mayBeRepeated({ retry, stage }: ErrorKind, { hasRepeated, wasReused, isRepeatable }: RetrySituation): boolean {
  if (hasRepeated) return false;
  if (retry === 'always') return stage === 'send';
  return retry === 'if-reused-connection' && wasReused && isRepeatable;
}

function toCondition({ retry, stage, status }: ErrorKind): RetryCondition | undefined {
  if (retry === 'never') return undefined;
  if (stage === 'connect') return 'connect';
  if (stage === 'send') return 'refused';
  return status === TIMEOUT_STATUS ? 'timeout' : 'reset';
}

/** How long to wait before an endpoint is asked again: a random time, so that requests that failed together come apart. */
export function toBackoffMs({ backoff }: RetryRules, furtherCount: number, random: number): number {
  return random * Math.min(backoff.maxMs, backoff.baseMs * 2 ** furtherCount);
}

/** RFC 9110 §10.2.3: seconds or a date. Anything else asks for nothing. */
export function readRetryAfterMs(value: string, wallMs: number): number {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const atMs = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - wallMs);
}
