/**
 * Listeners, routes and services that the configuration has no more. Their series stay for a while, so that whoever asks for metrics
 * has seen the last of them; then threads give their places to others.
 */
import { limits } from '#base/limits.ts';
import { OTHER_LABEL } from '#base/meter.ts';
import type { Configuration } from '#config/configuration.ts';

/** In the order in which they are labels of what routes count. */
const kinds = ['listeners', 'routes', 'services'] as const;
type Kind = (typeof kinds)[number];

/** Nobody is told of their series any more: threads can do without them. */
export interface RemovedNamesOrder {
  readonly kind: 'removed-names';
  readonly listeners: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

type NamedParts = Pick<Configuration, Kind>;

export class RemovedNames {
  /** When they were removed. */
  readonly #since: Readonly<Record<Kind, Map<string, number>>> = {
    listeners: new Map(),
    routes: new Map(),
    services: new Map(),
  };
  #order: RemovedNamesOrder = toOrder([], [], []);

  /** Those that threads can do without. */
  get order(): RemovedNamesOrder {
    return this.#order;
  }

  /** A configuration has taken the place of another one. */
  replace(before: NamedParts | undefined, after: NamedParts, nowMs: number): void {
    for (const kind of kinds) {
      const since = this.#since[kind];
      for (const name of Object.keys(before?.[kind] ?? {})) if (!since.has(name)) since.set(name, nowMs);
      for (const name of Object.keys(after[kind])) since.delete(name);
    }
  }

  /** Those of which there are no series any more are nobody's concern. `labels`: of all series that there are. */
  prune(labels: Iterable<readonly string[]>): void {
    const left = kinds.map(() => new Set<string>());
    for (const each of labels) for (const [i, names] of left.entries()) if (each[i] !== undefined) names.add(each[i]);
    for (const [i, kind] of kinds.entries())
      for (const name of this.#order[kind]) if (!left[i]!.has(name)) this.#since[kind].delete(name);
  }

  /** Looks who has been removed for long enough; whether it is others than before. */
  update(nowMs: number): boolean {
    const [listeners = [], routes = [], services = []] = kinds.map((kind) =>
      [...this.#since[kind]].filter(([, sinceMs]) => nowMs - sinceMs >= limits.removedSeriesMs).map(([name]) => name),
    );
    const made = toOrder(listeners, routes, services);
    const isSame = kinds.every((kind) => made[kind].size === this.#order[kind].size && made[kind].isSubsetOf(this.#order[kind]));
    if (!isSame) this.#order = made;
    return !isSame;
  }
}

/** `labels`: listener, route, and service where there is one. */
export function isOfRemoved(order: RemovedNamesOrder, [listener = '', route = '', service = '']: readonly string[]): boolean {
  if (listener === OTHER_LABEL) return false;
  return order.listeners.has(listener) || order.routes.has(route) || order.services.has(service);
}

function toOrder(listeners: readonly string[], routes: readonly string[], services: readonly string[]): RemovedNamesOrder {
  return { kind: 'removed-names', listeners: new Set(listeners), routes: new Set(routes), services: new Set(services) };
}
