import { RANDOM_RANGE, type RandomSource } from '#base/random.ts';
import type { Member } from './member.ts';

/** Draws that may give the same member again before its neighbour is taken instead: where one has nearly all of the shares. */
const REDRAWS_MAX = 3;

/** Draws members by their shares in one step, however many there are (the alias method of Walker and Vose). */
export class MemberLottery<Item extends Member> {
  members: readonly Item[] = [];
  readonly #random: RandomSource;
  /** Each column holds a member, and perhaps an alias for the part of the column above the threshold. */
  #thresholds = new Int32Array(0);
  #aliases = new Int32Array(0);

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** At least one, all with a share above 0. */
  setMembers(members: readonly Item[]): void {
    this.members = members;
    this.#thresholds = new Int32Array(members.length).fill(RANDOM_RANGE);
    this.#aliases = new Int32Array(members.length);
    this.#fillColumns();
  }

  /** The position of a member. */
  draw(): number {
    const column = Math.floor((this.#random() / RANDOM_RANGE) * this.#thresholds.length);
    return this.#random() < this.#thresholds[column]! ? column : this.#aliases[column]!;
  }

  /** The position of another member than that at `first`; there must be two. */
  drawOther(first: number): number {
    for (let i = 0; i < REDRAWS_MAX; i++) {
      const other = this.draw();
      if (other !== first) return other;
    }
    return (first + 1) % this.members.length;
  }

  #fillColumns(): void {
    const { members } = this;
    const sum = members.reduce((total, { share }) => total + share, 0);
    const heights = members.map(({ share }) => (share * members.length) / sum);
    const low: number[] = [];
    const high: number[] = [];
    for (const [column, height] of heights.entries()) (height < 1 ? low : high).push(column);
    while (low.length > 0 && high.length > 0) {
      const column = low.pop()!;
      const giver = high.at(-1)!;
      this.#thresholds[column] = heights[column]! * RANDOM_RANGE;
      this.#aliases[column] = giver;
      heights[giver]! -= 1 - heights[column]!;
      if (heights[giver]! < 1) low.push(high.pop()!);
    }
  }
}
