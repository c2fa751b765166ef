/** The last exchanges that have failed: of all routes together, and of each route, so that one that fails often hides no other. */
import type { ExchangeSeen } from './watching-messages.ts';

const FAILURES_MAX = 100;
const FAILURES_OF_ROUTE_MAX = 20;
const ROUTES_MAX = 200;

export class FailedExchanges {
  readonly #all: ExchangeSeen[] = [];
  /** The route that has failed longest ago comes first. */
  readonly #byRoute = new Map<string, ExchangeSeen[]>();

  add(seen: ExchangeSeen): void {
    keep(this.#all, seen, FAILURES_MAX);
    const route = seen.record.route ?? '';
    const ofRoute = this.#byRoute.get(route) ?? [];
    keep(ofRoute, seen, FAILURES_OF_ROUTE_MAX);
    this.#byRoute.delete(route);
    this.#byRoute.set(route, ofRoute);
    if (this.#byRoute.size > ROUTES_MAX) for (const oldest of this.#byRoute.keys()) return void this.#byRoute.delete(oldest);
  }

  find(id: string): ExchangeSeen | undefined {
    for (const list of [this.#all, ...this.#byRoute.values()]) {
      const found = list.findLast(({ record }) => record.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Newest first. */
  list(route: string | undefined): ExchangeSeen[] {
    if (route === undefined) return this.#all.toReversed();
    // What others have pushed out of one list may still be in the other.
    const ofAll = this.#all.filter(({ record }) => record.route === route);
    const ofRoute = this.#byRoute.get(route) ?? [];
    return (ofAll.length > ofRoute.length ? ofAll : ofRoute).toReversed();
  }
}

function keep(list: ExchangeSeen[], seen: ExchangeSeen, countMax: number): void {
  list.push(seen);
  if (list.length > countMax) list.shift();
}
