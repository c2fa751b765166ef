import { type Importance, importances } from './importance.ts';

/** Somebody who waits; only the line touches the two links. */
export interface Waiting {
  readonly importance: Importance;
  next: Waiting | undefined;
  previous: Waiting | undefined;
}

interface Row<Item> {
  first: Item | undefined;
  last: Item | undefined;
}

/** Those who wait: the most important goes first, and among equals the one who came first. */
export class WaitingLine<Item extends Waiting> {
  readonly #rows: Readonly<Record<Importance, Row<Item>>> = {
    critical: { first: undefined, last: undefined },
    high: { first: undefined, last: undefined },
    normal: { first: undefined, last: undefined },
    low: { first: undefined, last: undefined },
  };
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    const row = this.#rows[item.importance];
    item.previous = row.last;
    item.next = undefined;
    if (row.last === undefined) row.first = item;
    else row.last.next = item;
    row.last = item;
    this.#length += 1;
  }

  /** Whose turn it is. */
  get first(): Item | undefined {
    for (const importance of importances) {
      const { first } = this.#rows[importance];
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** Who gives way to somebody of this importance: of those that matter least the one who came last. `undefined`: all matter as much. */
  lastBelow(importance: Importance): Item | undefined {
    for (let i = importances.length - 1; i > importances.indexOf(importance); i--) {
      const { last } = this.#rows[importances[i]!];
      if (last !== undefined) return last;
    }
    return undefined;
  }

  /** Takes out one who is in the line. */
  remove(item: Item): void {
    const row = this.#rows[item.importance];
    if (item.previous === undefined) row.first = item.next as Item | undefined;
    else item.previous.next = item.next;
    if (item.next === undefined) row.last = item.previous as Item | undefined;
    else item.next.previous = item.previous;
    item.next = undefined;
    item.previous = undefined;
    this.#length -= 1;
  }
}
