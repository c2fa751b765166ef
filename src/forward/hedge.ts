/** Attempts beside one that is slow: when they start, and which of them go on when one is answered. */
import type { ClientRequest } from '#http/exchange.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Attempt } from './attempt.ts';
import { type HedgeRules, safeMethods } from './forward-rules.ts';
import type { ForwardTarget } from './forward-target.ts';
import { ShortTimer } from './short-timer.ts';

/** Two may run at the same time when nobody minds, and when there is nothing to be sent twice. */
export function mayBeHedged({ method, hasBody, upgrade }: ClientRequest): boolean {
  return !hasBody && upgrade === undefined && safeMethods.has(method);
}

/** Who makes the attempts. */
export interface HedgeOwner {
  /** Endpoints that were asked, those of running attempts among them; `undefined` when no attempt runs just now. */
  listAsked(): readonly Endpoint[] | undefined;
  makeAttempt(endpoint: Endpoint, cause: 'hedge'): Attempt;
  /** Something was thrown where nobody else would catch it. */
  onThrown(thrown: unknown): void;
}

export class Hedge {
  readonly #rules: HedgeRules;
  readonly #target: ForwardTarget;
  readonly #owner: HedgeOwner;
  readonly #timer = new ShortTimer(() => this.#onPassed());
  #isOver = false;
  #startedCount = 0;
  /** Those that run, without the one that the owner holds itself. */
  #beside: Attempt[] = [];

  constructor(rules: HedgeRules, target: ForwardTarget, owner: HedgeOwner) {
    this.#rules = rules;
    this.#target = target;
    this.#owner = owner;
  }

  /** One that goes on in the place of the one that the owner has lost. */
  takeNext(): Attempt | undefined {
    return this.#beside.shift();
  }

  get isAlone(): boolean {
    return this.#beside.length === 0;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#beside.map(({ endpoint }) => endpoint);
  }

  /** An attempt begins that none runs beside. Its time counts anew. */
  start(): void {
    const { after, attemptsMax } = this.#rules;
    if (this.#isOver || this.#startedCount >= attemptsMax) return;
    const delayMs = after.kind === 'fixed' ? after.ms : this.#target.service.latency.quantileMs(after.share);
    // Nothing is slow as long as it is not known what is usual.
    if (delayMs !== undefined) this.#timer.start(delayMs);
  }

  /** One has failed, or its answer is not wanted. */
  forget(attempt: Attempt): void {
    this.#beside = this.#beside.filter((each) => each !== attempt);
  }

  /** One is answered. Gives those that are left: `held` is the one that the owner holds. */
  settle(winner: Attempt, held: Attempt | undefined): readonly Attempt[] {
    this.#stop();
    this.#learn(winner.headMs - winner.startedMs);
    if (held === undefined || this.isAlone) return none;
    const slower = [held, ...this.#beside].filter((each) => each !== winner);
    this.#beside = [];
    for (const each of slower) {
      each.leave();
      // It would have taken longer than that.
      this.#learn(each.endedMs - each.startedMs);
    }
    return slower;
  }

  /** Nobody waits for an answer any more. */
  end(): void {
    this.#stop();
    for (const attempt of this.#beside) attempt.leave();
    this.#beside = [];
  }

  #stop(): void {
    this.#isOver = true;
    this.#timer.stop();
  }

  #onPassed(): void {
    try {
      this.#onDue();
    } catch (thrown) {
      this.#owner.onThrown(thrown);
    }
  }

  #onDue(): void {
    const { service, rules } = this.#target;
    const asked = this.#owner.listAsked();
    const endpoint = asked === undefined ? undefined : service.pickUntried(asked);
    if (endpoint === undefined || !service.retryBudget.take(rules.retry.budget) || !service.letsTo(endpoint)) return;
    this.#startedCount += 1;
    const attempt = this.#owner.makeAttempt(endpoint, 'hedge');
    this.#beside.push(attempt);
    attempt.start(false);
    // Unless that was the end of everything.
    this.start();
  }

  #learn(tookMs: number): void {
    if (this.#rules.after.kind === 'quantile') this.#target.service.latency.record(tookMs);
  }
}

const none: readonly Attempt[] = Object.freeze([]);
