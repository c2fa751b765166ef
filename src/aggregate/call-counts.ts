/** How calls of aggregates have ended, how long they took and how much they brought: counted by all threads, for metrics. */
import { limits } from '#base/limits.ts';
import { formatMetric, type Metric, type MetricValue } from '#base/metric-text.ts';
import type { CallOutcome } from '#http/exchange.ts';

/** Whoever makes a call tells it once. */
export interface CallCounter {
  count(outcome: CallOutcome, durationMs: number, bytes: number): void;
}

/** The names of a route and of one of its calls. */
export interface CountedCall {
  readonly route: string;
  readonly call: string;
}

const outcomes: readonly CallOutcome[] = ['ok', 'cached', 'skipped', 'last-good', 'fallback', 'failed', 'cancelled'];
const outcomePlaces = new Map(outcomes.map((outcome, place) => [outcome, place]));
/** Upper ends of what durations are sorted into; what is longer comes behind them. */
const bucketEndsMs: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** Numbers of two words follow the others. */
const BUCKETS_AT = outcomes.length;
const MICROS_AT = BUCKETS_AT + bucketEndsMs.length + 1;
const BYTES_AT = MICROS_AT + 2;
const WORDS_PER_CALL = BYTES_AT + 2;
const WORD_VALUES = 2 ** 32;

const calls: Metric = {
  name: 'gatehouse_aggregate_calls_total',
  type: 'counter',
  help: 'Calls of aggregates, by how they have ended.',
};
const bytesOfAnswers: Metric = {
  name: 'gatehouse_aggregate_call_response_bytes_total',
  type: 'counter',
  help: 'Bytes of the bodies that calls of aggregates have been answered with.',
};
const durations: Metric = {
  name: 'gatehouse_aggregate_call_duration_seconds',
  type: 'histogram',
  help: 'How long calls of aggregates have taken, with all their attempts.',
};

export class CallCounts {
  readonly memory: SharedArrayBuffer;
  readonly #words: Uint32Array;

  /** `memory`: that of other threads, to count with them. */
  constructor(memory = new SharedArrayBuffer(limits.aggregateSeriesMax * WORDS_PER_CALL * Uint32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Uint32Array(memory);
  }

  /** `slot`: that of a call. */
  counterAt(slot: number): CallCounter {
    return new SlotCounter(this.#words, slot * WORDS_PER_CALL);
  }

  /** Of the calls in these slots. */
  toMetrics(counted: readonly CountedCall[]): string {
    if (counted.length === 0) return '';
    return [
      formatMetric(
        calls,
        counted.flatMap((call, slot) => this.#listOutcomes(call, slot)),
      ),
      formatMetric(
        bytesOfAnswers,
        counted.map((call, slot) => ({ labels: { ...call }, value: this.#readWide(slot, BYTES_AT) })),
      ),
      formatMetric(
        durations,
        counted.flatMap((call, slot) => this.#listBuckets(call, slot)),
      ),
    ].join('');
  }

  /** Those that have happened. */
  #listOutcomes(call: CountedCall, slot: number): MetricValue[] {
    const values = outcomes.map((outcome, place) => ({ labels: { ...call, outcome }, value: this.#read(slot, place) }));
    return values.filter(({ value }, place) => value > 0 || place === 0);
  }

  #listBuckets(call: CountedCall, slot: number): MetricValue[] {
    let count = 0;
    const buckets = [...bucketEndsMs, Number.POSITIVE_INFINITY].map((endMs, place): MetricValue => {
      count += this.#read(slot, BUCKETS_AT + place);
      const le = endMs === Number.POSITIVE_INFINITY ? '+Inf' : String(endMs / 1_000);
      return { suffix: '_bucket', labels: { ...call, le }, value: count };
    });
    const seconds = this.#readWide(slot, MICROS_AT) / 1_000_000;
    return [
      ...buckets,
      { suffix: '_sum', labels: { ...call }, value: seconds },
      { suffix: '_count', labels: { ...call }, value: count },
    ];
  }

  #read(slot: number, place: number): number {
    return Atomics.load(this.#words, slot * WORDS_PER_CALL + place);
  }

  #readWide(slot: number, place: number): number {
    return this.#read(slot, place) + this.#read(slot, place + 1) * WORD_VALUES;
  }
}

class SlotCounter implements CallCounter {
  readonly #words: Uint32Array;
  readonly #at: number;

  constructor(words: Uint32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  count(outcome: CallOutcome, durationMs: number, bytes: number): void {
    Atomics.add(this.#words, this.#at + outcomePlaces.get(outcome)!, 1);
    // Nobody was asked.
    if (outcome === 'skipped' || outcome === 'cached') return;
    let bucket = 0;
    while (bucket < bucketEndsMs.length && durationMs > bucketEndsMs[bucket]!) bucket += 1;
    Atomics.add(this.#words, this.#at + BUCKETS_AT + bucket, 1);
    this.#addWide(MICROS_AT, Math.round(durationMs * 1_000));
    this.#addWide(BYTES_AT, bytes);
  }

  /** Less than a word holds at a time, so that at most one is carried over. */
  #addWide(place: number, amount: number): void {
    const added = Math.min(amount, WORD_VALUES - 1);
    const before = Atomics.add(this.#words, this.#at + place, added);
    if (before + added >= WORD_VALUES) Atomics.add(this.#words, this.#at + place + 1, 1);
  }
}
