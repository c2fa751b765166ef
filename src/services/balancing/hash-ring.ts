import type { Member } from './member.ts';

/** Points for a share of 1: with fewer, members would get more or less than their share by more than a tenth. */
const POINTS_PER_SHARE = 128;
/** Points of a ring. Where weights sum up to more, each share has fewer: sorting takes milliseconds beyond this. */
const POINTS_MAX = 32_768;
/** Points that are passed because their members have enough to do; then the least loaded that was seen is taken. */
const STEPS_MAX = 1_024;
/** More than there are endpoints, so that a point and its owner fit into one number and are sorted together. */
const POSITIONS = 2 ** 17;

/**
 * A circle of points, each of which belongs to a member: a key goes to the owner of the first point at or behind its hash.
 * Whoever leaves takes only its own points along, so only its keys move, spread over all others. The same members with the
 * same shares make the same ring on every thread and in every gateway.
 */
export class HashRing<Item extends Member> {
  readonly members: readonly Item[];
  /** Ascending. */
  readonly #points: Uint32Array;
  /** The position of the member that each point belongs to. */
  readonly #owners: Int32Array;

  /** `weightSum`: of all that may become members, so that points stay where they are when some of them are not. */
  constructor(members: readonly Item[], weightSum: number) {
    this.members = members;
    const pointsPerShare = choosePointsPerShare(weightSum);
    const counts = members.map(({ share }) => Math.max(1, Math.round(share * pointsPerShare)));
    const size = counts.reduce((sum, count) => sum + count, 0);
    const sorted = new Float64Array(size);
    let at = 0;
    for (const [position, { url }] of members.entries()) {
      const seed = hashText(url);
      for (let i = 0; i < counts[position]!; i++) sorted[at++] = mix(seed + Math.imul(i, 0x9e3779b1)) * POSITIONS + position;
    }
    sorted.sort();
    this.#points = new Uint32Array(size);
    this.#owners = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const point = Math.floor(sorted[i]! / POSITIONS);
      this.#points[i] = point;
      this.#owners[i] = sorted[i]! - point * POSITIONS;
    }
  }

  /** The owner of a key. */
  find(key: string): Item {
    return this.members[this.#owners[this.#findPoint(hashText(key))]!]!;
  }

  /** The first owner, from the key on, that has no more to do than `activePerShare` allows. */
  findBelow(key: string, activePerShare: number): Item {
    const { length } = this.#points;
    const start = this.#findPoint(hashText(key));
    let least = this.members[this.#owners[start]!]!;
    for (let i = 0; i < length && i < STEPS_MAX; i++) {
      const owner = this.members[this.#owners[(start + i) % length]!]!;
      if (owner.active < Math.ceil(activePerShare * owner.share)) return owner;
      if (owner.active * least.share < least.active * owner.share) least = owner;
    }
    return least;
  }

  #findPoint(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low === points.length ? 0 : low;
  }
}

/** Halved as often as necessary, so that the points that stay are the same ones. */
function choosePointsPerShare(weightSum: number): number {
  let points = POINTS_PER_SHARE;
  while (points > 1 && points * weightSum > POINTS_MAX) points /= 2;
  return points;
}

/** FNV-1a over the characters, then mixed: its last bits alone are far from even. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The last step of MurmurHash3: each bit of the input changes half of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
