/** How often policies have refused requests, or would have where they only report: counted by all threads, for metrics. */
import { formatMetric, type Metric, type MetricValue } from '#base/metric-text.ts';
import type { Exchange } from '#http/exchange.ts';
import { policyDefinitions } from '#policies/registry.ts';

const metric: Metric = {
  name: 'gatehouse_policy_refusals_total',
  type: 'counter',
  help: 'Requests that a policy has refused (mode enforce), or would have refused (mode report).',
};

/** Each has a word for each mode, one behind the other. */
const refusals = policyDefinitions.flatMap(({ name, errors }) =>
  Object.values(errors).map(({ kind }) => ({ policy: name, code: kind.code })),
);
const modes = ['enforce', 'report'] as const;

export class RefusalCounts {
  readonly memory: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #positions = new Map(refusals.map(({ code }, position) => [code, position]));

  /** `memory`: that of other threads, to count with them. */
  constructor(memory = new SharedArrayBuffer(refusals.length * modes.length * Uint32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Uint32Array(memory);
  }

  /** What ended an exchange may be an error of something else; then there is nothing to count. */
  count({ error, reported }: Pick<Exchange, 'error' | 'reported'>): void {
    if (error !== undefined) this.#add(error.code, 0);
    if (reported !== undefined) this.#add(reported.code, 1);
  }

  /** How many requests a policy has refused, for whatever reason. */
  countOf(policy: string): number {
    return refusals.reduce((sum, refusal, position) => (refusal.policy === policy ? sum + this.#read(position, 0) : sum), 0);
  }

  /** Those that have happened. */
  get metricsText(): string {
    const values = refusals.flatMap(({ policy, code }, position) =>
      modes.map((mode, i): MetricValue => ({ labels: { policy, code, mode }, value: this.#read(position, i) })),
    );
    const counted = values.filter(({ value }) => value > 0);
    return counted.length === 0 ? '' : formatMetric(metric, counted);
  }

  #add(code: string, mode: number): void {
    const position = this.#positions.get(code);
    if (position !== undefined) Atomics.add(this.#words, position * modes.length + mode, 1);
  }

  #read(position: number, mode: number): number {
    return Atomics.load(this.#words, position * modes.length + mode);
  }
}
