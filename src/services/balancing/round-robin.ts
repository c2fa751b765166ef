import type { Endpoint } from '../endpoint.ts';
import type { Balancer } from './balancer.ts';
import { WeightedRotation } from './weighted-rotation.ts';

/** Endpoints take turns by their weights, spread as evenly as can be. */
export class RoundRobin implements Balancer {
  #rotation = new WeightedRotation<Endpoint>([]);

  setMembers(members: readonly Endpoint[]): void {
    this.#rotation = new WeightedRotation(members);
  }

  pick(): Endpoint {
    return this.#rotation.next();
  }
}
