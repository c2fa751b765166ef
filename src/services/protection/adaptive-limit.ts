/**
 * Finds out how many exchanges a service can have at a time, from how long its answers take. While they take as long as
 * without load the limit grows; when they take longer it shrinks, because then they wait inside the service. What "without
 * load" means is learnt whenever there is little of it, and now and then by halving the limit for a moment.
 *
 * With a service that has N workers the limit comes to rest at N and about a half, where all of them are always busy.
 */
import type { AdaptiveBounds } from './protection-definition.ts';

const FIRST_LIMIT = 20;
/** What is learnt rests on so many answers and so much time at least. */
const SAMPLES_MIN = 20;
const WINDOW_MS = 100;
/** Answers may take so many times as long as without load before the limit shrinks. */
const TOLERANCE = 1.25;
/** The most that one window can take away: the machine may have stood still for a moment. */
const SHRINK_MIN = 0.8;
/** What remains when the service itself says that it is overloaded, or does not answer in time. */
const OVERLOADED_SHRINK = 0.9;
/** How much of the time without load is replaced by a new one. */
const BASELINE_WEIGHT = 0.3;
/** When half the limit is so much faster, what was thought to be without load was not: there may be more to find. */
const MISTAKEN = 0.8;
/** The time without load is looked for soon at first, and then less and less often. */
const PROBE_FIRST_MS = 500;
const PROBE_EVERY_MAX_MS = 30_000;

export class AdaptiveLimit {
  readonly #bounds: AdaptiveBounds;
  #limit: number;
  /** Mean time of answers without load; 0: not known. */
  #baselineMs = 0;
  #windowEndMs = Number.NEGATIVE_INFINITY;
  #samples = 0;
  #sumMs = 0;
  #peak = 0;
  #isOverloaded = false;
  #probeAtMs = Number.POSITIVE_INFINITY;
  #probeEveryMs = PROBE_FIRST_MS;
  #isProbing = false;
  /** While probing: only what began after this counts, when the load had come down. */
  #probeSinceMs = Number.POSITIVE_INFINITY;

  constructor(bounds: AdaptiveBounds) {
    this.#bounds = bounds;
    this.#limit = this.#clamp(FIRST_LIMIT);
  }

  /** How many may run. */
  get limit(): number {
    return this.#isProbing ? this.#halfLimit : Math.floor(this.#limit);
  }

  /** Probing takes so many away: they wait rather than being refused. */
  get suspended(): number {
    return Math.floor(this.#limit) - this.limit;
  }

  /** Another one runs. */
  onStarted(running: number): void {
    if (running > this.#peak) this.#peak = running;
  }

  /** An answer has come, so long after it was asked for. */
  onAnswered(latencyMs: number, nowMs: number, running: number): void {
    if (this.#isProbing && nowMs - latencyMs < this.#probeSinceMs) {
      if (running <= this.limit) this.#probeSinceMs = Math.min(this.#probeSinceMs, nowMs);
      return;
    }
    this.#samples += 1;
    this.#sumMs += latencyMs;
    this.#endWindow(nowMs, running);
  }

  /** The service says that it is overloaded, or has not answered in time. */
  onOverloaded(nowMs: number, running: number): void {
    this.#isOverloaded = true;
    this.#samples += 1;
    this.#sumMs += this.#baselineMs;
    this.#endWindow(nowMs, running);
  }

  #endWindow(nowMs: number, running: number): void {
    if (this.#windowEndMs === Number.NEGATIVE_INFINITY) this.#windowEndMs = nowMs + WINDOW_MS;
    if (this.#samples < SAMPLES_MIN || nowMs < this.#windowEndMs) return;
    const meanMs = Math.max(this.#sumMs / this.#samples, Number.MIN_VALUE);
    if (this.#isProbing) this.#endProbe(meanMs, nowMs);
    else if (this.#isOverloaded) this.#limit = this.#clamp(this.#limit * OVERLOADED_SHRINK);
    else this.#learn(meanMs, nowMs);
    this.#windowEndMs = nowMs + WINDOW_MS;
    this.#samples = 0;
    this.#sumMs = 0;
    this.#peak = running;
    this.#isOverloaded = false;
  }

  #learn(meanMs: number, nowMs: number): void {
    if (this.#baselineMs === 0) {
      this.#baselineMs = meanMs;
      this.#probeAtMs = nowMs + this.#probeEveryMs;
    }
    const hasLoad = this.#peak >= this.#limit / 2;
    // Nobody waits for the limit then: this is what answers take.
    if (!hasLoad || meanMs < this.#baselineMs) this.#baselineMs += BASELINE_WEIGHT * (meanMs - this.#baselineMs);
    if (!hasLoad) return;
    const shrink = Math.min(1, Math.max(SHRINK_MIN, (TOLERANCE * this.#baselineMs) / meanMs));
    this.#limit = this.#clamp(this.#limit * shrink + Math.max(1, Math.sqrt(this.#limit) / 2));
    if (nowMs >= this.#probeAtMs) this.#beginProbe();
  }

  #beginProbe(): void {
    this.#isProbing = true;
    this.#probeSinceMs = Number.POSITIVE_INFINITY;
  }

  #endProbe(meanMs: number, nowMs: number): void {
    const wasFarTooHigh = meanMs < MISTAKEN * this.#baselineMs;
    if (wasFarTooHigh) this.#limit = this.#halfLimit;
    this.#isProbing = false;
    this.#baselineMs = meanMs;
    this.#probeEveryMs = wasFarTooHigh ? PROBE_FIRST_MS : Math.min(PROBE_EVERY_MAX_MS, this.#probeEveryMs * 2);
    this.#probeAtMs = nowMs + this.#probeEveryMs;
  }

  get #halfLimit(): number {
    return Math.max(this.#bounds.limitMin, Math.floor(this.#limit / 2));
  }

  #clamp(limit: number): number {
    return Math.min(this.#bounds.limitMax, Math.max(this.#bounds.limitMin, limit));
  }
}
