/**
 * The places of a service that all threads share: how many exchanges run, and how many wait. A thread whose exchanges wait
 * is told when another thread gives a place back.
 */
import { EndpointBoard } from '../endpoint-board.ts';
import { SharedCount } from './shared-count.ts';

/** Words of a service's own record; in the record of an endpoint they would belong to its health. */
const PlacesWord = { running: 2, waiting: 3, given: 4 } as const;

export class SharedPlaces {
  readonly waiting: SharedCount;
  readonly #running: SharedCount;
  readonly #max: number;
  readonly #words: Int32Array;
  readonly #givenAt: number;
  #isListening = false;

  constructor(board: EndpointBoard, slot: number, max: number) {
    this.#max = max;
    this.#words = board.words;
    this.#running = new SharedCount(board.words, board.wordAt(slot, PlacesWord.running), EndpointBoard.generationAt);
    this.waiting = new SharedCount(board.words, board.wordAt(slot, PlacesWord.waiting), EndpointBoard.generationAt);
    this.#givenAt = board.wordAt(slot, PlacesWord.given);
  }

  /** Another number than before: a place was given back that some thread waits for. */
  get givenCount(): number {
    return Atomics.load(this.#words, this.#givenAt);
  }

  take(): boolean {
    return this.#running.take(this.#max);
  }

  /** True when other threads wait: then all that wait are called back, this one among them, and take turns as they come. */
  give(): boolean {
    this.#running.give();
    if (this.waiting.total === this.waiting.held) return false;
    Atomics.add(this.#words, this.#givenAt, 1);
    Atomics.notify(this.#words, this.#givenAt);
    return true;
  }

  /** Calls back once when another place is given back. False: one was since `givenCount` was looked at. */
  listen(givenCount: number, onGiven: () => void): boolean {
    if (this.#isListening) return true;
    const { async, value } = Atomics.waitAsync(this.#words, this.#givenAt, givenCount);
    if (!async) return false;
    this.#isListening = true;
    void value.then(() => {
      this.#isListening = false;
      onGiven();
    });
    return true;
  }
}
