/**
 * Those endpoints of a service that may be given exchanges now, with the share of each: what its weight is worth while it
 * starts slowly, and while others have failed. The balancer chooses among those that have one.
 */
import type { Balancer, PickSubject } from './balancing/balancer.ts';
import type { Endpoint } from './endpoint.ts';
import { type EndpointBoard, EndpointFlag } from './endpoint-board.ts';
import { type Level, planFailover } from './failover.ts';

/** The share of its weight that an endpoint begins with when it starts slowly. */
const SLOW_START_FLOOR = 0.1;
/** Steps in which it gets the rest. */
const SLOW_START_STEPS = 50;

export interface AvailabilitySettings {
  /** Where the gateway stands. */
  readonly zone: string | undefined;
  readonly slowStartMs: number | undefined;
}

export class AvailableEndpoints {
  readonly #board: EndpointBoard;
  readonly #balancer: Balancer;
  readonly #settings: AvailabilitySettings;
  #all: readonly Endpoint[] = [];
  #weightSum = 0;
  /** The sum that the balancer knows. */
  #toldWeightSum = 0;
  /** Those that the balancer has. */
  #members: readonly Endpoint[] = [];
  /** Members first, then those that wait for members to fail. */
  #available: readonly Endpoint[] = [];
  /** The board's version when it was looked at last; -1: never. */
  #seenVersion = -1;
  /** When an ejection is over, or a slow start is one step further. */
  #lookAgainMs = Number.POSITIVE_INFINITY;

  constructor(board: EndpointBoard, balancer: Balancer, settings: AvailabilitySettings) {
    this.#board = board;
    this.#balancer = balancer;
    this.#settings = settings;
  }

  /** All endpoints of the service, or the same ones with other weights. */
  replace(all: readonly Endpoint[], nowMs: number): void {
    this.#all = all;
    this.#weightSum = all.reduce((sum, { weight }) => sum + weight, 0);
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
    return this.#members.length === 0 ? undefined : this.#balancer.pick(subject, nowMs);
  }

  /** One that has not been tried; `undefined` when all have. Whoever comes behind the last one that was tried goes first. */
  pickUntried(tried: readonly Endpoint[], nowMs: number): Endpoint | undefined {
    this.#follow(nowMs);
    const members = this.#members;
    const last = members.indexOf(tried.at(-1)!);
    for (let i = 1; i <= members.length; i++) {
      const endpoint = members[(last + i) % members.length]!;
      if (!tried.includes(endpoint)) return endpoint;
    }
    return this.#available.find((endpoint) => !tried.includes(endpoint));
  }

  /** Whether an endpoint may be given exchanges now, also when it waits for others to fail. */
  has(endpoint: Endpoint, nowMs: number): boolean {
    this.#follow(nowMs);
    return endpoint.availableSinceMs !== undefined;
  }

  /** How many the balancer chooses among. */
  get memberCount(): number {
    return this.#members.length;
  }

  /** Whether it is one of those. */
  isMember(endpoint: Endpoint): boolean {
    return this.#members.includes(endpoint);
  }

  #follow(nowMs: number): void {
    if (this.#board.version !== this.#seenVersion || nowMs >= this.#lookAgainMs) this.#look(nowMs);
  }

  #look(nowMs: number): void {
    const isFirstLook = this.#seenVersion < 0;
    this.#seenVersion = this.#board.version;
    this.#lookAgainMs = Number.POSITIVE_INFINITY;
    // An ejection is a guess. Where nothing else is left, it is better to try.
    const ignoresEjections = !this.#all.some((endpoint) => this.#isUsable(endpoint) && !this.#isEjected(endpoint, nowMs));
    for (const endpoint of this.#all) {
      const isAvailable = this.#isUsable(endpoint) && (ignoresEjections || !this.#isEjected(endpoint, nowMs));
      if (!isAvailable) endpoint.availableSinceMs = undefined;
      // Those that a service begins with have nobody who could go on with their share meanwhile.
      else endpoint.availableSinceMs ??= isFirstLook ? Number.NEGATIVE_INFINITY : nowMs;
    }
    const levels = planFailover(this.#all, ({ availableSinceMs }) => availableSinceMs !== undefined, this.#settings.zone);
    this.#available = levels.flatMap(({ available }) => available);
    this.#share(levels, nowMs);
  }

  /** Gives everybody its share, and tells the balancer when that is news. */
  #share(levels: readonly Level<Endpoint>[], nowMs: number): void {
    const members = levels.filter(({ scale }) => scale > 0).flatMap(({ available }) => available);
    let isNews =
      this.#weightSum !== this.#toldWeightSum ||
      members.length !== this.#members.length ||
      members.some((member, i) => member !== this.#members[i]);
    for (const { available, scale } of levels) {
      for (const endpoint of available) {
        const share = endpoint.weight * scale * this.#warmth(endpoint, nowMs);
        isNews ||= share !== endpoint.share;
        endpoint.share = share;
      }
    }
    this.#members = members;
    if (!isNews || members.length === 0) return;
    this.#toldWeightSum = this.#weightSum;
    this.#balancer.setMembers(members, this.#weightSum);
  }

  /** How much of its weight counts while an endpoint starts slowly. */
  #warmth({ availableSinceMs }: Endpoint, nowMs: number): number {
    const { slowStartMs } = this.#settings;
    const elapsedMs = nowMs - availableSinceMs!;
    if (slowStartMs === undefined || elapsedMs >= slowStartMs) return 1;
    this.#lookAgainMs = Math.min(this.#lookAgainMs, nowMs + slowStartMs / SLOW_START_STEPS);
    return Math.max(SLOW_START_FLOOR, elapsedMs / slowStartMs);
  }

  #isUsable({ slot, weight }: Endpoint): boolean {
    const board = this.#board;
    return weight > 0 && !board.hasFlag(slot, EndpointFlag.unhealthy) && !board.hasFlag(slot, EndpointFlag.draining);
  }

  #isEjected({ slot }: Endpoint, nowMs: number): boolean {
    const ejectedMs = this.#board.ejectedForMs(slot, nowMs);
    if (ejectedMs > 0) this.#lookAgainMs = Math.min(this.#lookAgainMs, nowMs + ejectedMs);
    return ejectedMs > 0;
  }
}
