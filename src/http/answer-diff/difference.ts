/** What two answers to the same request do not have in common. */
export type DifferencePart = 'status' | 'field' | 'body';
/** Seen from the first answer to the second. */
export type DifferenceKind = 'changed' | 'added' | 'removed';

export interface Difference {
  readonly part: DifferencePart;
  /** The name of a field, or a JSON pointer into the body; empty: all of it. */
  readonly at: string;
  readonly kind: DifferenceKind;
  /** For people, cut where it is long; `undefined`: it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Collects as many as are asked for, and knows whether there were more. */
export class Differences {
  readonly found: Difference[] = [];
  hasMore = false;
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get isFull(): boolean {
    return this.hasMore;
  }

  add(difference: Difference): void {
    if (this.found.length < this.#countMax) this.found.push(difference);
    else this.hasMore = true;
  }
}

const SHOWN_LENGTH_MAX = 120;

/** As much of a value as a person reads. */
export function toShown(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX - 1)}…`;
}

/** `status`, `field vary`, `body /items/0/price`. */
export function describePlace({ part, at }: Pick<Difference, 'part' | 'at'>): string {
  return at === '' ? part : `${part} ${at}`;
}
