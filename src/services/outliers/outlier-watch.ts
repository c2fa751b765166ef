/** Learns from the attempts of a thread which endpoints do badly. What is counted stands on the board, for all threads together. */
import { assert } from '#base/assert.ts';
import type { AttemptObserver, AttemptOutcome } from '../attempt-outcome.ts';
import type { Endpoint } from '../endpoint.ts';
import { type EndpointBoard, EndpointWord } from '../endpoint-board.ts';
import { type EjectionMeans, Ejections, type EndpointGroup } from './ejections.ts';
import { EndpointFailures, Verdict } from './endpoint-failures.ts';
import type { OutlierSettings } from './outlier-settings.ts';
import { countIn, countInWindow, toWindow, windowOf } from './window-count.ts';

/** Means are kept in sixteenths of a millisecond. */
const MEAN_UNITS_PER_MS = 16;
/** So many attempts of a window give its mean, each with at most so much, so that the sum has room in its word. */
const SAMPLES_MAX = 1_000;
const SAMPLE_MS_MAX = 10_000;

export class OutlierWatch implements AttemptObserver {
  readonly #settings: OutlierSettings;
  readonly #board: EndpointBoard;
  readonly #words: Int32Array;
  readonly #group: EndpointGroup;
  readonly #failures: EndpointFailures;
  readonly #ejections: Ejections;
  /** Attempts are counted too, and not only failures in a row. */
  readonly #countsAll: boolean;

  constructor(settings: OutlierSettings, group: EndpointGroup, means: EjectionMeans) {
    this.#settings = settings;
    this.#board = means.board;
    this.#words = means.board.words;
    this.#group = group;
    this.#failures = new EndpointFailures(settings.statuses);
    this.#ejections = new Ejections(settings, group, means);
    this.#countsAll = settings.failureRate !== undefined || settings.latency !== undefined;
  }

  onAttemptEnded(outcome: AttemptOutcome): void {
    const verdict = this.#failures.judge(outcome);
    if (verdict === Verdict.nothing) return;
    const at = this.#board.wordAt(outcome.endpoint.slot, EndpointWord.failuresInARow);
    // On the plain path, one word is read.
    const isInteresting = verdict === Verdict.failure || this.#words[at] !== 0 || this.#countsAll;
    if (!isInteresting || this.#isOutdated(outcome)) return;
    if (verdict === Verdict.failure) this.#addFailure(outcome, at);
    else if (this.#words[at] !== 0) Atomics.store(this.#words, at, 0);
    if (this.#countsAll) this.#countAttempt(outcome, verdict);
  }

  /** What began before an ejection was over says nothing of the endpoint that came back. */
  #isOutdated({ endpoint, startedMs }: AttemptOutcome): boolean {
    return (this.#board.sinceEjectionMs(endpoint.slot, startedMs) ?? 0) < 0;
  }

  #addFailure(outcome: AttemptOutcome, at: number): void {
    const { consecutiveFailures } = this.#settings;
    const failures = Atomics.add(this.#words, at, 1) + 1;
    if (failures < consecutiveFailures) return;
    const detail = { failures, last: describeFailure(outcome) };
    const isEjected = this.#ejections.eject(outcome.endpoint, outcome.endedMs, { reason: 'failures in a row', detail });
    // Its first failure when it is back is one too many; its first success makes up for all.
    if (isEjected) Atomics.store(this.#words, at, consecutiveFailures - 1);
  }

  #countAttempt(outcome: AttemptOutcome, verdict: Verdict): void {
    const words = this.#words;
    const { windowMs, latency } = this.#settings;
    const { endpoint, startedMs, headMs, endedMs } = outcome;
    const window = toWindow(endedMs, windowMs);
    const attemptsAt = this.#board.wordAt(endpoint.slot, EndpointWord.windowAttempts);
    const latencyAt = this.#board.wordAt(endpoint.slot, EndpointWord.windowLatencyMs);
    // Read in this order: no thread begins the latency of a window before its attempts.
    const latencyBefore = Atomics.load(words, latencyAt);
    const attemptsBefore = Atomics.load(words, attemptsAt);
    const attempts = countInWindow(words, attemptsAt, window, 1);
    if (latency !== undefined) {
      // The first of a window, in whichever thread, looks back at the one before.
      if (attempts === 1) this.#judgeLatency(outcome, attemptsBefore, latencyBefore);
      const sampleMs = Math.min(Math.round((headMs || endedMs) - startedMs), SAMPLE_MS_MAX);
      if (attempts <= SAMPLES_MAX) countInWindow(words, latencyAt, window, sampleMs);
    }
    if (verdict === Verdict.failure) this.#judgeFailureRate(outcome, window, attempts);
  }

  #judgeFailureRate(outcome: AttemptOutcome, window: number, attempts: number): void {
    const { failureRate, minRequests } = this.#settings;
    const at = this.#board.wordAt(outcome.endpoint.slot, EndpointWord.windowFailures);
    const failures = countInWindow(this.#words, at, window, 1);
    if (failureRate === undefined || attempts < minRequests || failures < failureRate * attempts) return;
    const detail = { failures, attempts, last: describeFailure(outcome) };
    this.#ejections.eject(outcome.endpoint, outcome.endedMs, { reason: 'share of failures', detail });
  }

  #judgeLatency({ endpoint, endedMs }: AttemptOutcome, attemptsWord: number, latencyWord: number): void {
    const { latency, minRequests } = this.#settings;
    assert(latency !== undefined, 'latency is judged where it matters');
    const attempts = countIn(attemptsWord);
    const isKnown = attempts >= minRequests && windowOf(attemptsWord) === windowOf(latencyWord);
    const mean = isKnown ? (countIn(latencyWord) * MEAN_UNITS_PER_MS) / Math.min(attempts, SAMPLES_MAX) : 0;
    Atomics.store(this.#words, this.#board.wordAt(endpoint.slot, EndpointWord.meanLatency), isKnown ? Math.ceil(mean) || 1 : 0);
    const others = this.#medianOfOthers(endpoint);
    if (others === undefined || mean < latency.floorMs * MEAN_UNITS_PER_MS || mean < latency.factor * others) return;
    const detail = { meanMs: toMs(mean), othersMs: toMs(others) };
    this.#ejections.eject(endpoint, endedMs, { reason: 'slow', detail });
  }

  /** Of those whose latency is known. The median, so that one that is slow too does not hide this one. */
  #medianOfOthers({ slot }: Endpoint): number | undefined {
    const means = this.#group.endpoints
      .filter((other) => other.slot !== slot && other.weight > 0)
      .map((other) => this.#words[this.#board.wordAt(other.slot, EndpointWord.meanLatency)]!)
      .filter((mean) => mean > 0)
      .sort((one, other) => one - other);
    return means[(means.length - 1) >> 1];
  }
}

function describeFailure({ error, status }: AttemptOutcome): string {
  return error?.code ?? `status ${status}`;
}

function toMs(mean: number): number {
  return Math.round((mean / MEAN_UNITS_PER_MS) * 10) / 10;
}
