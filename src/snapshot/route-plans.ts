import type { RoutePlan } from '#pipeline/plan.ts';
import type { ArrivedConfiguration } from './arrived-configuration.ts';
import type { PlannedRoute, RoutePlanner } from './route-planner.ts';

/**
 * What the routes of a snapshot do. A route is read and planned when a request first asks for it: a thread that is given ten
 * thousand routes would otherwise build objects for all of them, and collecting the garbage of that stops it for longer
 * than its clients should wait (docs/decisions/0018-route-table-image.md).
 */
export class RoutePlans {
  readonly #arrived: ArrivedConfiguration;
  readonly #planner: RoutePlanner;
  readonly #planned: (PlannedRoute | undefined)[];

  constructor(arrived: ArrivedConfiguration, planner: RoutePlanner) {
    this.#arrived = arrived;
    this.#planner = planner;
    this.#planned = new Array<PlannedRoute | undefined>(arrived.routeCount).fill(undefined);
  }

  /** `index`: position of the route in the configuration. */
  planFor(index: number, listener: string): RoutePlan {
    return (this.#planned[index] ?? this.#make(index)).planFor(listener);
  }

  /** For a request that no route takes; `undefined` where no policy has a word on it. */
  planMissing(listener: string, path: string): RoutePlan | undefined {
    return this.#planner.planMissing(listener, path);
  }

  /** For a request that no route takes and that is for a policy. */
  planOwnPath(listener: string, path: string): RoutePlan | undefined {
    return this.#planner.planOwnPath(listener, path);
  }

  #make(index: number): PlannedRoute {
    const made = this.#planner.plan(...this.#arrived.readRoute(index));
    this.#planned[index] = made;
    return made;
  }
}
