import type { Balancer } from './balancer.ts';
import type { Member } from './member.ts';

/** Due times are counted anew from here on, long before their fractions become coarse. */
const DUE_MAX = 2 ** 20;

interface Seat<Item> {
  readonly item: Item;
  /** Decides between seats that are due at the same time. */
  readonly position: number;
  /** From one turn to the next; a member with a larger share has a shorter one. */
  readonly stride: number;
  dueAt: number;
}

/**
 * Endpoints take turns by their shares, spread evenly: each turn is due one stride after the last one, and the earliest goes
 * first (earliest deadline first). Where turns stand outlasts a change of members, so that frequent changes favour nobody.
 */
export class RoundRobin<Item extends Member> implements Balancer<Item> {
  readonly observer = undefined;
  /** A binary heap: the seat that is due first stands first. */
  #seats: Seat<Item>[] = [];
  /** When the last turn was due. */
  #reached = 0;

  setMembers(members: readonly Item[]): void {
    const present = new Map(this.#seats.map((seat) => [seat.item, seat]));
    this.#seats = members.map((item, position) => {
      const stride = 1 / item.share;
      const seat = present.get(item);
      // Half a stride: heavy members begin and end a round of turns, and light ones come in its middle.
      const dueIn = seat === undefined ? stride / 2 : (seat.dueAt - this.#reached) * (stride / seat.stride);
      return { item, position, stride, dueAt: dueIn };
    });
    this.#reached = 0;
    this.#seats.sort(compareSeats);
  }

  pick(): Item {
    const seats = this.#seats;
    const first = seats[0]!;
    if (seats.length === 1) return first.item;
    if (first.dueAt > DUE_MAX) this.#countAnew();
    this.#reached = first.dueAt;
    first.dueAt += first.stride;
    sinkFirst(seats);
    return first.item;
  }

  #countAnew(): void {
    const passed = this.#seats[0]!.dueAt;
    for (const seat of this.#seats) seat.dueAt -= passed;
  }
}

function compareSeats(left: Seat<unknown>, right: Seat<unknown>): number {
  return left.dueAt - right.dueAt || left.position - right.position;
}

function sinkFirst(seats: Seat<unknown>[]): void {
  const sinking = seats[0]!;
  let at = 0;
  for (;;) {
    let childAt = 2 * at + 1;
    if (childAt >= seats.length) break;
    if (childAt + 1 < seats.length && compareSeats(seats[childAt + 1]!, seats[childAt]!) < 0) childAt += 1;
    if (compareSeats(sinking, seats[childAt]!) <= 0) break;
    seats[at] = seats[childAt]!;
    at = childAt;
  }
  seats[at] = sinking;
}
