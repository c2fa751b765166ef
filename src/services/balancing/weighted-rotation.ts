/** Something that takes a share of the traffic. */
export interface Weighted {
  readonly weight: number;
}

interface Seat<Item> {
  readonly item: Item;
  readonly weight: number;
  credit: number;
}

/**
 * Smooth weighted round robin: in each full turn every item comes as often as its weight says, spread as evenly as can be.
 * Each pick gives all items credit by their weight and takes the whole turn's credit from the one that has most.
 */
export class WeightedRotation<Item extends Weighted> {
  readonly #seats: Seat<Item>[];
  readonly #total: number;

  /** Needs at least one item with a weight above 0. */
  constructor(items: readonly Item[]) {
    this.#seats = items.filter(({ weight }) => weight > 0).map((item) => ({ item, weight: item.weight, credit: 0 }));
    this.#total = this.#seats.reduce((sum, { weight }) => sum + weight, 0);
  }

  next(): Item {
    const seats = this.#seats;
    let best = seats[0]!;
    if (seats.length === 1) return best.item;
    for (const seat of seats) {
      seat.credit += seat.weight;
      if (seat.credit > best.credit) best = seat;
    }
    best.credit -= this.#total;
    return best.item;
  }
}
