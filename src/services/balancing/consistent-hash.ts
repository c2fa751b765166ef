import type { Balancer } from './balancer.ts';
import type { HashSettings } from './balancing-definition.ts';
import { type KeyedSubject, readHashKey } from './hash-key.ts';
import { HashRing } from './hash-ring.ts';
import type { Member } from './member.ts';
import { RoundRobin } from './round-robin.ts';
import type { ServiceLoad } from './service-load.ts';

/** The same key goes to the same endpoint. Requests without one take turns. */
export class ConsistentHash<Item extends Member> implements Balancer<Item> {
  readonly observer = undefined;
  readonly #settings: HashSettings;
  readonly #load: ServiceLoad;
  readonly #withoutKey = new RoundRobin<Item>();
  #ring = new HashRing<Item>([], 0);
  #shareSum = 0;

  constructor(settings: HashSettings, load: ServiceLoad) {
    this.#settings = settings;
    this.#load = load;
  }

  setMembers(members: readonly Item[], weightSum: number): void {
    this.#ring = new HashRing(members, weightSum);
    this.#withoutKey.setMembers(members);
    this.#shareSum = members.reduce((sum, { share }) => sum + share, 0);
  }

  pick(subject: KeyedSubject): Item {
    const { by, boundedLoad } = this.#settings;
    const key = readHashKey(by, subject);
    if (key === undefined) return this.#withoutKey.pick();
    if (boundedLoad === undefined) return this.#ring.find(key);
    // The attempt that is to come counts too (Mirrokni, Thorup and Zadimoghaddam, Consistent Hashing with Bounded Loads).
    return this.#ring.findBelow(key, (boundedLoad * (this.#load.active + 1)) / this.#shareSum);
  }
}
