/** What requests were answered from where a cache could have answered: counted by all threads, by route, for metrics and operators. */
import { formatMetric, type Metric } from '#base/metric-text.ts';
import { hashText } from '#base/text-hash.ts';
import { type CacheResult, cacheResults } from '#http/cache-result.ts';
import type { Exchange, ExchangePlan } from '#http/exchange.ts';

const metric: Metric = {
  name: 'gatehouse_cache_requests_total',
  type: 'counter',
  help: 'Requests that a cache could have answered, by what did.',
};

/** Routes with a cache that are counted apart; further ones are counted together, without a name. */
const ROUTES_MAX = 2_048;
/** A hash of the name, and a count for each result. */
const ENTRY_WORDS = 1 + cacheResults.length;
/** More than the hash of a name, which is never 0. */
const WITHOUT_NAME = 0;
const positions: ReadonlyMap<CacheResult, number> = new Map(cacheResults.map((result, i) => [result, 1 + i]));

export interface RouteCacheCounts {
  readonly route: string;
  readonly results: Readonly<Partial<Record<CacheResult, number>>>;
}

export class CacheCounts {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  /** Where a route is counted. */
  readonly #places = new WeakMap<ExchangePlan, number>();

  /** `memory`: that of other threads, to count with them. */
  constructor(memory = new SharedArrayBuffer((ROUTES_MAX + 1) * ENTRY_WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  count({ plan, cacheResult }: Pick<Exchange, 'plan' | 'cacheResult'>): void {
    if (cacheResult === undefined || plan === undefined) return;
    let at = this.#places.get(plan);
    if (at === undefined) {
      at = this.#findPlace(toHash(plan.routeName ?? ''), true);
      this.#places.set(plan, at);
    }
    Atomics.add(this.#words, at + positions.get(cacheResult)!, 1);
  }

  /** Of these routes, and of those without room; only those that have counted something. */
  list(routes: readonly string[]): RouteCacheCounts[] {
    const found = routes.flatMap((route) => {
      const at = this.#findPlace(toHash(route), false);
      return at === WITHOUT_NAME ? [] : [this.#read(route, at)];
    });
    return [...found, this.#read('', WITHOUT_NAME)].filter(({ results }) => Object.keys(results).length > 0);
  }

  toMetricsText(routes: readonly string[]): string {
    const values = this.list(routes).flatMap(({ route, results }) =>
      Object.entries(results).map(([result, value]) => ({ labels: { route, result }, value })),
    );
    return values.length === 0 ? '' : formatMetric(metric, values);
  }

  /** That of who has no room, where there is none or nothing has been counted. */
  #findPlace(hash: number, isTaken: boolean): number {
    for (let i = 0; i < ROUTES_MAX; i++) {
      const at = (1 + (((hash >>> 0) + i) % ROUTES_MAX)) * ENTRY_WORDS;
      const present = isTaken ? Atomics.compareExchange(this.#words, at, 0, hash) : Atomics.load(this.#words, at);
      if (present === hash || (present === 0 && isTaken)) return at;
      if (present === 0) return WITHOUT_NAME;
    }
    return WITHOUT_NAME;
  }

  #read(route: string, at: number): RouteCacheCounts {
    const results: Partial<Record<CacheResult, number>> = {};
    for (const [result, position] of positions) {
      const value = Atomics.load(this.#words, at + position) >>> 0;
      if (value > 0) results[result] = value;
    }
    return { route, results };
  }
}

function toHash(route: string): number {
  return hashText(route) | 0 || 1;
}
