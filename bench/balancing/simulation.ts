/**
 * Requests to ten endpoints in simulated time, balanced by the gateway's own balancers. Each endpoint works on a few requests
 * at a time and lets the others wait in a queue without an end. Requests arrive by themselves, whether answers come or not.
 * The same seed gives the same requests.
 */
import { createRandomSource, RANDOM_RANGE, type RandomSource } from '#base/random.ts';
import type { BalanceDefinition } from '#services/balancing/balancing-definition.ts';
import { createBalancer } from '#services/balancing/create-balancer.ts';
import type { Member } from '#services/balancing/member.ts';
import { ServiceLoad } from '#services/balancing/service-load.ts';

export interface SimulationSettings {
  readonly balance: BalanceDefinition['kind'] & ('round-robin' | 'random' | 'least-requests' | 'peak-ewma');
  /** How many times as long the last endpoint takes; 1: it is like the others. */
  readonly slowness: number;
  /** Of what all endpoints could do if none were slow. */
  readonly utilisation: number;
  /** Besides the warm-up. */
  readonly seconds: number;
  readonly seed: number;
}

export interface SimulationResult {
  /** Of each request that came after the warm-up, ascending. */
  readonly latenciesMs: Float64Array;
  /** The share of those requests that the last endpoint got. */
  readonly lastShare: number;
}

export const ENDPOINTS = 10;
export const WORKERS = 2;
export const SERVICE_MS = 10;
export const WARM_UP_SECONDS = 5;
/** Balancers are told the time of the timer wheel, which is up to a tick behind. */
const TICK_MS = 100;

class SimulatedEndpoint implements Member {
  readonly url: string;
  readonly share = 1;
  readonly meanMs: number;
  active = 0;
  readonly waiting: number[] = [];
  /** Requests at the front of `waiting` that have been taken out. */
  taken = 0;

  constructor(position: number, meanMs: number) {
    this.url = `http://10.0.0.${position + 1}`;
    this.meanMs = meanMs;
  }
}

interface Finish {
  readonly atMs: number;
  readonly endpoint: SimulatedEndpoint;
  readonly arrivedMs: number;
}

export function simulate({ balance, slowness, utilisation, seconds, seed }: SimulationSettings): SimulationResult {
  const load = new ServiceLoad();
  const balancer = createBalancer<SimulatedEndpoint>({ kind: balance }, { random: createRandomSource(seed), load });
  const endpoints = Array.from(
    { length: ENDPOINTS },
    (_, position) => new SimulatedEndpoint(position, position === ENDPOINTS - 1 ? SERVICE_MS * slowness : SERVICE_MS),
  );
  const last = endpoints.at(-1)!;
  balancer.setMembers(endpoints, ENDPOINTS);
  const arrivals = createRandomSource(seed + 1_000);
  const work = createRandomSource(seed + 2_000);
  const gapMs = SERVICE_MS / (ENDPOINTS * WORKERS * utilisation);
  const endMs = (WARM_UP_SECONDS + seconds) * 1_000;
  const finishes = new FinishQueue();
  const latencies: number[] = [];
  let counted = 0;
  let countedAtLast = 0;

  const begin = (endpoint: SimulatedEndpoint, arrivedMs: number, nowMs: number) =>
    finishes.push({ atMs: nowMs + drawExponential(work, endpoint.meanMs), endpoint, arrivedMs });
  const arrive = (nowMs: number) => {
    const endpoint = balancer.pick({ clientAddress: '', exchange: undefined }, Math.floor(nowMs / TICK_MS) * TICK_MS);
    if (nowMs >= WARM_UP_SECONDS * 1_000) {
      counted += 1;
      if (endpoint === last) countedAtLast += 1;
    }
    endpoint.active += 1;
    if (endpoint.active <= WORKERS) begin(endpoint, nowMs, nowMs);
    else endpoint.waiting.push(nowMs);
  };
  const finish = ({ atMs, endpoint, arrivedMs }: Finish) => {
    endpoint.active -= 1;
    const outcome = { startedMs: arrivedMs, headMs: atMs, endedMs: atMs, status: 200, error: undefined, isCancelled: false };
    balancer.observer?.onAttemptEnded({ ...outcome, endpoint });
    if (arrivedMs >= WARM_UP_SECONDS * 1_000) latencies.push(atMs - arrivedMs);
    if (endpoint.taken < endpoint.waiting.length) begin(endpoint, endpoint.waiting[endpoint.taken++]!, atMs);
  };

  for (let nowMs = 1; nowMs < endMs; nowMs += drawExponential(arrivals, gapMs)) {
    for (let next = finishes.popUntil(nowMs); next !== undefined; next = finishes.popUntil(nowMs)) finish(next);
    arrive(nowMs);
  }
  // Those that still wait count as well: their answers come, only later.
  for (let next = finishes.popUntil(Infinity); next !== undefined; next = finishes.popUntil(Infinity)) finish(next);
  return { latenciesMs: Float64Array.from(latencies).sort(), lastShare: countedAtLast / counted };
}

export function quantile(ascending: Float64Array, part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))]!;
}

function drawExponential(random: RandomSource, mean: number): number {
  return -mean * Math.log(1 - random() / RANDOM_RANGE);
}

/** A binary heap: what is over first stands first. */
class FinishQueue {
  readonly #heap: Finish[] = [];

  push(finish: Finish): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= finish.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = finish;
  }

  /** `undefined`: nothing is over by then. */
  popUntil(nowMs: number): Finish | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const sinking = heap.pop()!;
    if (heap.length > 0) this.#sink(sinking);
    return first;
  }

  #sink(sinking: Finish): void {
    const heap = this.#heap;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child += 1;
      if (sinking.atMs <= heap[child]!.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = sinking;
  }
}
