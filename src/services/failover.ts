/**
 * Which endpoints of a service take traffic, and which wait for those to fail. Endpoints stand on levels: by their priority,
 * and within one priority first those in the gateway's own zone. A level takes everything while it has enough available
 * weight; when it has less, what it lacks goes to the next level.
 */

/** A level copes with everything as long as this many times its available weight is at least its whole weight: 5 of 7. */
const SPARE_FACTOR = 1.4;
/** Less than this of the traffic is what rounding leaves over. */
const SHARE_MIN = 1e-9;

export interface Placed {
  readonly weight: number;
  /** Lower ones are used first. */
  readonly priority: number;
  readonly zone: string | undefined;
}

/** A level on which something is available. */
export interface Level<Item> {
  readonly available: readonly Item[];
  /** What the weights on it are worth, relative to those on the first level; 0: it waits. */
  readonly scale: number;
}

/** The levels that have available endpoints, in the order in which they are used. */
export function planFailover<Item extends Placed>(
  endpoints: readonly Item[],
  isAvailable: (endpoint: Item) => boolean,
  zone: string | undefined,
): Level<Item>[] {
  const steps = listLevels(endpoints, zone).map((all) => {
    const available = all.filter(isAvailable);
    const availableWeight = sumWeights(available);
    return { available, availableWeight, capacity: Math.min(1, (SPARE_FACTOR * availableWeight) / sumWeights(all)) };
  });
  let left = 1;
  // Traffic for each unit of weight on the first level that takes any.
  let firstRate = 0;
  return steps
    .filter(({ available }) => available.length > 0)
    .map(({ available, availableWeight, capacity }) => {
      const taken = Math.min(left, capacity);
      left = left - taken < SHARE_MIN ? 0 : left - taken;
      const rate = taken / availableWeight;
      firstRate ||= rate;
      return { available, scale: rate / firstRate };
    });
}

/** Endpoints without weight stand nowhere. One without a zone is not known to be near. */
function listLevels<Item extends Placed>(endpoints: readonly Item[], zone: string | undefined): Item[][] {
  const levels = new Map<number, Item[]>();
  for (const endpoint of endpoints) {
    if (endpoint.weight === 0) continue;
    const level = 2 * endpoint.priority + (zone !== undefined && endpoint.zone !== zone ? 1 : 0);
    const others = levels.get(level);
    if (others === undefined) levels.set(level, [endpoint]);
    else others.push(endpoint);
  }
  return [...levels].sort(([left], [right]) => left - right).map(([, members]) => members);
}

function sumWeights(endpoints: readonly Placed[]): number {
  return endpoints.reduce((sum, { weight }) => sum + weight, 0);
}
