import type { RandomSource } from '#base/random.ts';
import type { Balancer } from './balancer.ts';
import type { Member } from './member.ts';
import { MemberLottery } from './member-lottery.ts';

/**
 * Draws two endpoints by their shares and takes the one where less runs, measured by its share (the power of two choices):
 * nearly as even as looking at all of them, and no herd runs to the one that looks best. Equal ones are left to the draw.
 */
export class LeastRequests<Item extends Member> implements Balancer<Item> {
  readonly observer = undefined;
  readonly #lottery: MemberLottery<Item>;

  constructor(random: RandomSource) {
    this.#lottery = new MemberLottery(random);
  }

  setMembers(members: readonly Item[]): void {
    this.#lottery.setMembers(members);
  }

  pick(): Item {
    const { members } = this.#lottery;
    if (members.length === 1) return members[0]!;
    const at = this.#lottery.draw();
    const first = members[at]!;
    const second = members[this.#lottery.drawOther(at)]!;
    return second.active * first.share < first.active * second.share ? second : first;
  }
}
