/**
 * One token that an issuer has given out, for all requests that need it: fetched when the first of them comes, and again in
 * good time before it expires, while requests go on with the one that is there.
 */
import type { GatewayError } from '#base/errors.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { upstreamAuthErrors } from './errors.ts';
import type { TokenRequest } from './token-request.ts';

/** Of the time that a token counts: from then on a new one is asked for, so that an issuer may be away for the rest of it. */
const FRESH_SHARE = 0.8;
/** A token that expires on its way to the service is refused there. */
const END_SHARE = 0.1;
const END_MS_MAX = 5_000;
/** After a failure, doubled with each further one; some of it is left to chance, so that threads do not ask together. */
const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 60_000;
const PAUSE_CHANCE = 0.2;
/** How often the word of a service that it does not like a token is believed. A client may bring a service to say so. */
const REFUSAL_PAUSE_MS = 30_000;

interface HeldToken {
  /** As it stands in a field. */
  readonly value: string;
  readonly sinceMs: number;
  readonly staleMs: number;
  readonly endMs: number;
}

type HolderMeans = Pick<PolicyServices, 'clock' | 'logger' | 'random'>;

export class TokenHolder {
  readonly #request: TokenRequest;
  readonly #means: HolderMeans;
  #token: HeldToken | undefined = undefined;
  /** The service has refused it, so another one is asked for. It is used if there is none. */
  #isDoubted = false;
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined = undefined;
  #failures = 0;
  #nextTryMs = Number.NEGATIVE_INFINITY;

  constructor(request: TokenRequest, means: HolderMeans) {
    this.#request = request;
    this.#means = means;
  }

  /** Sees to it that there is a token. `undefined`: there is one; a promise only where a request has to wait for it. */
  prepare(): undefined | GatewayError | Promise<GatewayError | undefined> {
    const nowMs = this.#means.clock.monotonicMs();
    const token = this.#findUsable(nowMs);
    if (token !== undefined && nowMs < token.staleMs && !this.#isDoubted) return undefined;
    const fetching = this.#fetching ?? this.#fetch(nowMs);
    if (token !== undefined && !this.#isDoubted) return undefined;
    if (fetching === undefined) return token === undefined ? this.#refuse(nowMs) : undefined;
    return fetching.then(() => this.#findProblem());
  }

  /** What stands in the field. Throws where there is nothing: a request without it is not to be sent. */
  get value(): string {
    const nowMs = this.#means.clock.monotonicMs();
    const token = this.#findUsable(nowMs);
    if (token !== undefined) return token.value;
    // Whoever comes next finds one, perhaps.
    if (this.#fetching === undefined) this.#fetch(nowMs);
    throw this.#refuse(nowMs);
  }

  /** A service has refused a request that came at this time. */
  onRefused(startedMs: number): void {
    const nowMs = this.#means.clock.monotonicMs();
    // The request may have been sent with the one before.
    if (this.#token === undefined || this.#token.sinceMs > startedMs) return;
    if (nowMs - this.#doubtedMs < REFUSAL_PAUSE_MS) return;
    this.#doubtedMs = nowMs;
    this.#isDoubted = true;
  }

  #findUsable(nowMs: number): HeldToken | undefined {
    return this.#token !== undefined && nowMs < this.#token.endMs ? this.#token : undefined;
  }

  #findProblem(): GatewayError | undefined {
    const nowMs = this.#means.clock.monotonicMs();
    return this.#findUsable(nowMs) === undefined ? this.#refuse(nowMs) : undefined;
  }

  #refuse(nowMs: number): GatewayError {
    return upstreamAuthErrors.noToken({ server: this.#request.server }, { retryAfterMs: Math.max(0, this.#nextTryMs - nowMs) });
  }

  /** `undefined`: it is too early to ask again. */
  #fetch(nowMs: number): Promise<void> | undefined {
    if (nowMs < this.#nextTryMs) return undefined;
    this.#fetching = this.#fetchNow(nowMs).finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchNow(sinceMs: number): Promise<void> {
    const issued = await this.#request.send();
    if (typeof issued === 'string') return this.#fail(issued);
    const { text, lifetimeMs } = issued;
    const endMs = sinceMs + lifetimeMs - Math.min(lifetimeMs * END_SHARE, END_MS_MAX);
    this.#token = { value: `Bearer ${text}`, sinceMs, staleMs: sinceMs + lifetimeMs * FRESH_SHARE, endMs };
    this.#isDoubted = false;
    this.#failures = 0;
  }

  #fail(reason: string): void {
    const { clock, logger, random } = this.#means;
    const nowMs = clock.monotonicMs();
    const pauseMs = Math.min(PAUSE_MS_MIN * 2 ** this.#failures, PAUSE_MS_MAX);
    this.#failures += 1;
    this.#nextTryMs = nowMs + pauseMs * (1 - PAUSE_CHANCE * random());
    const isWithout = this.#findUsable(nowMs) === undefined;
    logger.log(isWithout ? 'error' : 'warn', 'token for a service not issued', {
      server: this.#request.server,
      reason,
      retryInMs: Math.round(this.#nextTryMs - nowMs),
      hasToken: !isWithout,
    });
  }
}
