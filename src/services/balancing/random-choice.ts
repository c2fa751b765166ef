import type { RandomSource } from '#base/random.ts';
import type { Balancer } from './balancer.ts';
import type { Member } from './member.ts';
import { MemberLottery } from './member-lottery.ts';

/** Each pick is drawn by the shares and knows nothing of the others: what many gateways do together is even. */
export class RandomChoice<Item extends Member> implements Balancer<Item> {
  readonly observer = undefined;
  readonly #lottery: MemberLottery<Item>;

  constructor(random: RandomSource) {
    this.#lottery = new MemberLottery(random);
  }

  setMembers(members: readonly Item[]): void {
    this.#lottery.setMembers(members);
  }

  pick(): Item {
    return this.#lottery.members[this.#lottery.draw()]!;
  }
}
