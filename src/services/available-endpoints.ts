/** Those endpoints of a service that may be given exchanges now, and the choice among them. */
import type { Balancer, PickSubject } from './balancing/balancer.ts';
import type { Endpoint } from './endpoint.ts';
import { type EndpointBoard, EndpointFlag } from './endpoint-board.ts';

export class AvailableEndpoints {
  readonly #board: EndpointBoard;
  readonly #balancer: Balancer;
  #all: readonly Endpoint[] = [];
  #available: readonly Endpoint[] = [];
  /** The board's version when it was looked at last. */
  #seenVersion = -1;
  /** When an ejection is over. */
  #lookAgainMs = Number.POSITIVE_INFINITY;

  constructor(board: EndpointBoard, balancer: Balancer) {
    this.#board = board;
    this.#balancer = balancer;
  }

  /** All endpoints of the service, or the same ones with other weights. */
  replace(all: readonly Endpoint[], nowMs: number): void {
    this.#all = all;
    this.#look(nowMs);
  }

  countAt(nowMs: number): number {
    this.#follow(nowMs);
    return this.#available.length;
  }

  /** The first one that a condition holds for. */
  find(isMeant: (endpoint: Endpoint) => boolean, nowMs: number): Endpoint | undefined {
    this.#follow(nowMs);
    return this.#available.find(isMeant);
  }

  /** `undefined`: there is none. Costs two comparisons more than the balancer does, unless something has changed. */
  pick(subject: PickSubject, nowMs: number): Endpoint | undefined {
    this.#follow(nowMs);
    return this.#available.length === 0 ? undefined : this.#balancer.pick(subject);
  }

  /** One that has not been tried; `undefined` when all have. Whoever comes behind the last one that was tried goes first. */
  pickUntried(tried: readonly Endpoint[], nowMs: number): Endpoint | undefined {
    this.#follow(nowMs);
    const available = this.#available;
    const last = available.indexOf(tried.at(-1)!);
    for (let i = 1; i <= available.length; i++) {
      const endpoint = available[(last + i) % available.length]!;
      if (!tried.includes(endpoint)) return endpoint;
    }
    return undefined;
  }

  #follow(nowMs: number): void {
    if (this.#board.version !== this.#seenVersion || nowMs >= this.#lookAgainMs) this.#look(nowMs);
  }

  #look(nowMs: number): void {
    this.#seenVersion = this.#board.version;
    this.#lookAgainMs = Number.POSITIVE_INFINITY;
    const available = this.#all.filter((endpoint) => this.#isAvailable(endpoint, nowMs));
    this.#available = available;
    if (available.length > 0) this.#balancer.setMembers(available);
  }

  #isAvailable({ slot, weight }: Endpoint, nowMs: number): boolean {
    const board = this.#board;
    if (weight === 0 || board.hasFlag(slot, EndpointFlag.unhealthy) || board.hasFlag(slot, EndpointFlag.draining)) return false;
    const ejectedMs = board.ejectedForMs(slot, nowMs);
    if (ejectedMs > 0) this.#lookAgainMs = Math.min(this.#lookAgainMs, nowMs + ejectedMs);
    return ejectedMs === 0;
  }
}
