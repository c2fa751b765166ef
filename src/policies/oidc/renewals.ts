/**
 * Refreshes under way and lately done, by the token that they were done with. Requests of one session come side by side, and many
 * providers let a token refresh once only and end the session of who shows it twice: the first request refreshes, and all
 * others get what it got, also those that come a while later with the cookie from before.
 */
import type { Clock } from '#base/clock.ts';
import type { Grant } from './provider.ts';
import type { ProviderProblem } from './provider-problem.ts';

const KEPT_MS = 300_000;
/** What could not be refreshed is tried again after this time. */
const UNAVAILABLE_KEPT_MS = 5_000;
/** With one more, the oldest is forgotten. */
const RENEWALS_MAX = 4_096;

interface Renewal {
  readonly outcome: Promise<Grant | ProviderProblem>;
  untilMs: number;
}

export class Renewals {
  readonly #clock: Clock;
  readonly #byToken = new Map<string, Renewal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What `run` brings, or brought. */
  renew(refreshToken: string, run: () => Promise<Grant | ProviderProblem>): Promise<Grant | ProviderProblem> {
    const known = this.#byToken.get(refreshToken);
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) return known.outcome;
    this.#byToken.delete(refreshToken);
    const renewal: Renewal = { outcome: run(), untilMs: Number.POSITIVE_INFINITY };
    this.#byToken.set(refreshToken, renewal);
    for (const oldest of this.#byToken.keys()) {
      if (this.#byToken.size <= RENEWALS_MAX) break;
      this.#byToken.delete(oldest);
    }
    return renewal.outcome.finally(() => this.#settle(renewal));
  }

  async #settle(renewal: Renewal): Promise<void> {
    const outcome = await renewal.outcome;
    const isForNow = 'kind' in outcome && outcome.kind === 'unavailable';
    renewal.untilMs = this.#clock.monotonicMs() + (isForNow ? UNAVAILABLE_KEPT_MS : KEPT_MS);
  }
}
