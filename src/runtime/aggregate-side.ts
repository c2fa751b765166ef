/** Where calls of aggregates are counted, for as long as the process lives: each call keeps its place over reloads. */
import { CallCounts, type CountedCall } from '#aggregate/call-counts.ts';
import { limits } from '#base/limits.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CallCountPlaces } from './counting.ts';

export class AggregateSide {
  #counts: CallCounts | undefined;
  /** In the order of their places. */
  readonly #counted: CountedCall[] = [];
  readonly #places = new Map<string, number>();

  /** For the threads; `undefined`: the configuration has no aggregate. Calls for which there is no place any more are not counted. */
  provide({ routes }: Configuration): CallCountPlaces | undefined {
    const slots: Record<string, number> = {};
    for (const [route, { to }] of Object.entries(routes)) {
      if (to.kind !== 'aggregate') continue;
      for (const { name } of to.calls) {
        const slot = this.#placeOf({ route, call: name });
        if (slot !== undefined) slots[toCallKey(route, name)] = slot;
      }
    }
    if (this.#counts === undefined || Object.keys(slots).length === 0) return undefined;
    return { memory: this.#counts.memory, slots };
  }

  get metricsText(): string {
    return this.#counts?.toMetrics(this.#counted) ?? '';
  }

  #placeOf(call: CountedCall): number | undefined {
    const key = toCallKey(call.route, call.call);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (this.#counted.length === limits.aggregateSeriesMax) return undefined;
    this.#counts ??= new CallCounts();
    this.#places.set(key, this.#counted.length);
    return this.#counted.push(call) - 1;
  }
}

/** Names have no spaces. */
export function toCallKey(route: string, call: string): string {
  return `${route} ${call}`;
}
