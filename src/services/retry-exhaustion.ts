/** How often the budget of a service had nothing left, in all threads together: a word of the service's record on the board. */
import type { EndpointBoard } from './endpoint-board.ts';

const EXHAUSTED_WORD = 15;

/** One thread's way to count. */
export class RetryExhaustion {
  readonly #board: EndpointBoard;
  /** Where the service stands on the board; `undefined`: nobody has said yet. */
  slot: number | undefined = undefined;

  constructor(board: EndpointBoard) {
    this.#board = board;
  }

  /** Somebody was told that there is nothing left. */
  count(): void {
    if (this.slot !== undefined) Atomics.add(this.#board.words, this.#board.wordAt(this.slot, EXHAUSTED_WORD), 1);
  }
}

/** Since the service is known to the board. */
export function readExhaustedCount(board: EndpointBoard, slot: number): number {
  return board.words[board.wordAt(slot, EXHAUSTED_WORD)]! >>> 0;
}
