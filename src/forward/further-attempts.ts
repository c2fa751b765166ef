/** The attempts of one exchange behind its first one: what was tried, whether there is another one, and where and when. */
import type { GatewayError } from '#base/errors.ts';
import type { Exchange, TriedAttempt } from '#http/exchange.ts';
import type { AnswerHead } from '#http/upstream-call.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { getField } from '#wire/fields/field-list.ts';
import type { Attempt } from './attempt.ts';
import type { RetryRules } from './forward-rules.ts';
import type { ForwardMeans } from './forward-target.ts';
import {
  decideAfterAnswer,
  decideAfterError,
  isRepeatable,
  type RetryDecision,
  type RetrySituation,
  readRetryAfterMs,
  toBackoffMs,
} from './retry-decision.ts';
import { ShortTimer } from './short-timer.ts';

export interface NextAttempt {
  readonly kind: 'attempt';
  readonly delayMs: number;
  /** One that was not asked yet; `undefined`: all were. */
  readonly endpoint: Endpoint | undefined;
  /** Over a connection that nobody has used. */
  readonly isFresh: boolean;
  readonly cause: 'retry' | 'repeat';
}

/** With the reason, where the settings would have allowed another one. */
export interface NoAttempt {
  readonly kind: 'stop';
  readonly reason: string | undefined;
}

/** Who makes them. */
export interface FurtherAttemptsOwner {
  /** The time of one that was decided on has come. */
  attemptNext(next: NextAttempt): void;
  /** Something was thrown where nobody else would catch it. */
  onThrown(thrown: unknown): void;
}

/** Where they go, and by which rules. */
export interface FurtherTarget {
  readonly service: Service;
  readonly rules: { readonly retry: RetryRules };
  readonly means: Pick<ForwardMeans, 'clock' | 'random'>;
}

const stop: NoAttempt = { kind: 'stop', reason: undefined };
const none: readonly Endpoint[] = Object.freeze([]);

export class FurtherAttempts {
  readonly #exchange: Exchange;
  readonly #service: Service;
  readonly #rules: RetryRules;
  readonly #means: FurtherTarget['means'];
  readonly #owner: FurtherAttemptsOwner;
  #pause: ShortTimer | undefined = undefined;
  /** Those that were asked. */
  readonly endpoints: Endpoint[] = [];
  /** All were asked, and time has passed. */
  #hasPaused = false;
  /** How many the settings have allowed. */
  #count = 0;
  /** It was sent once more without asking the settings. */
  #hasRepeated = false;

  constructor(exchange: Exchange, { service, rules, means }: FurtherTarget, owner: FurtherAttemptsOwner) {
    this.#exchange = exchange;
    this.#service = service;
    this.#rules = rules.retry;
    this.#means = means;
    this.#owner = owner;
  }

  /** Has it made, now or behind its pause. */
  begin(next: NextAttempt): void {
    if (next.delayMs === 0) return this.#owner.attemptNext(next);
    this.#pause = new ShortTimer(() => this.#onPaused(next));
    this.#pause.start(next.delayMs);
  }

  /** Nobody wants another one any more. */
  end(): void {
    this.#pause?.stop();
  }

  /** It was asked; another one is preferred from now on. */
  exclude(endpoint: Endpoint): void {
    if (!this.endpoints.includes(endpoint)) this.endpoints.push(endpoint);
  }

  /** Those that are not to be asked beside a slow attempt. Whoever failed before a pause may be asked again behind it. */
  get excluded(): readonly Endpoint[] {
    return this.#hasPaused ? none : this.endpoints;
  }

  /** For the access log: an attempt has ended and is not the one that the client hears of. */
  log({ endpoint, startedMs, endedMs, error }: Attempt, outcome: TriedAttempt['outcome']): void {
    this.#exchange.tried ??= [];
    this.#exchange.tried.push({ endpoint: endpoint.url, outcome, detail: error?.detail, durationMs: endedMs - startedMs });
  }

  /** What follows when an attempt has failed. `hasWholeBody`: what was taken of the body could be sent again. */
  afterError({ kind }: GatewayError, attempt: Attempt, hasWholeBody: boolean): NextAttempt | NoAttempt {
    return this.#toNextStep(decideAfterError(kind, this.#rules, this.#describe(attempt, hasWholeBody)), attempt, 0);
  }

  /** What follows when an attempt was answered with a status that is not wanted. */
  afterAnswer({ fields }: AnswerHead, attempt: Attempt, hasWholeBody: boolean): NextAttempt | NoAttempt {
    const decision = decideAfterAnswer(attempt, this.#rules, this.#describe(attempt, hasWholeBody));
    const retryAfter = getField(fields, 'retry-after');
    const waitMs = retryAfter === undefined ? 0 : readRetryAfterMs(retryAfter, this.#means.clock.wallMs());
    return this.#toNextStep(decision, attempt, waitMs);
  }

  #onPaused(next: NextAttempt): void {
    try {
      this.#owner.attemptNext(next);
    } catch (thrown) {
      this.#owner.onThrown(thrown);
    }
  }

  #describe({ wasReused }: Attempt, hasWholeBody: boolean): RetrySituation {
    return {
      isRepeatable: isRepeatable(this.#exchange.request, this.#rules),
      hasWholeBody,
      wasReused,
      hasRepeated: this.#hasRepeated,
      furtherCount: this.#count,
    };
  }

  /** `waitMs`: the upstream has asked for so much time. */
  #toNextStep(decision: RetryDecision, failed: Attempt, waitMs: number): NextAttempt | NoAttempt {
    const rules = this.#rules;
    if (decision.verdict === 'stop') return stop;
    if (decision.verdict === 'body-gone') return { kind: 'stop', reason: `the body is longer than ${rules.bodySetting}` };
    const endpoint = this.#service.pickUntried(this.endpoints);
    if (decision.verdict === 'repeat') {
      this.#hasRepeated = true;
      // A connection that was closed while nobody used it says little about its endpoint, where the client has its session.
      const stays = this.#service.affinity !== undefined;
      return { kind: 'attempt', delayMs: 0, endpoint: stays ? failed.endpoint : endpoint, isFresh: true, cause: 'repeat' };
    }
    const { onlyElsewhere, wasUntouched, needsFresh } = decision;
    if (endpoint === undefined && (onlyElsewhere || waitMs > rules.retryAfterMaxMs)) return stop;
    // Another endpoint gets what it would have got from the beginning, so nothing adds to the load of the service.
    const isFree = wasUntouched && endpoint !== undefined;
    if (!isFree && !this.#service.retryBudget.take(rules.budget))
      return { kind: 'stop', reason: `${rules.budgetSetting} is used up` };
    const delayMs = endpoint === undefined ? Math.max(waitMs, toBackoffMs(rules, this.#count, this.#means.random())) : 0;
    this.#count += 1;
    this.#hasPaused ||= endpoint === undefined;
    return { kind: 'attempt', delayMs, endpoint, isFresh: needsFresh && endpoint === undefined, cause: 'retry' };
  }
}

/** The error that the client hears of, with the reason why nothing else was tried. */
export function explainStop(error: GatewayError, reason: string | undefined): GatewayError {
  return reason === undefined ? error : error.withDetail({ notRetried: reason });
}
