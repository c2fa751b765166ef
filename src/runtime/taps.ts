/** The taps of one thread: which exchanges they want, and how many of these they are told of. */
import type { Exchange } from '#http/exchange.ts';
import { CompiledTapFilter } from '#http/tap-filter.ts';
import { RateWindow } from './rate-window.ts';
import type { OrderedTap } from './watching-messages.ts';

/** Exchanges that a thread tells of in a second, for each tap: more than anybody reads, and few enough to cost others nothing. */
const TOLD_PER_SECOND_MAX = 100;

export class ThreadTap {
  readonly id: number;
  readonly explains: boolean;
  readonly filter: CompiledTapFilter;
  readonly #share: number;
  readonly #window = new RateWindow(TOLD_PER_SECOND_MAX);
  /** Reaches 1 with each exchange that is told of. */
  #due = 0;
  #droppedCount = 0;

  constructor({ id, filter, explains }: OrderedTap) {
    this.id = id;
    this.explains = explains;
    this.filter = new CompiledTapFilter(filter);
    this.#share = filter.sample ?? 1;
  }

  /** Whether it is told of an exchange that is over. */
  takes(exchange: Exchange, nowMs: number): boolean {
    if (!this.filter.matches(exchange)) return false;
    this.#due += this.#share;
    if (this.#due < 1) return false;
    this.#due -= 1;
    if (this.#window.take(nowMs)) return true;
    this.#droppedCount += 1;
    return false;
  }

  /** Whether it might be told of an exchange that begins. */
  mayTake({ request, startedMs }: Exchange): boolean {
    return this.#window.hasRoom(startedMs) && this.filter.mayMatch(request);
  }

  /** It had been told of as many as it may when this one began, so nothing was noted of it. */
  passOver(exchange: Exchange): void {
    if (!this.filter.matches(exchange)) return;
    this.#due += this.#share;
    if (this.#due < 1) return;
    this.#due -= 1;
    this.#droppedCount += 1;
  }

  takeDroppedCount(): number {
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    return count;
  }
}

export class Taps {
  #taps: readonly ThreadTap[] = [];

  get isEmpty(): boolean {
    return this.#taps.length === 0;
  }

  /** Those that stay go on with what they count. */
  follow(ordered: readonly OrderedTap[]): void {
    this.#taps = ordered.map((tap) => this.#taps.find(({ id }) => id === tap.id) ?? new ThreadTap(tap));
  }

  /** Whether one of them might be told of it, so that it is worth noting what it goes through. */
  mayTake(exchange: Exchange): boolean {
    return this.#taps.some((tap) => tap.mayTake(exchange));
  }

  passOver(exchange: Exchange): void {
    for (const tap of this.#taps) tap.passOver(exchange);
  }

  /** Those that are told of it. */
  takersOf(exchange: Exchange, nowMs: number): ThreadTap[] {
    return this.#taps.filter((tap) => tap.takes(exchange, nowMs));
  }

  takeDroppedCounts(): [tap: number, count: number][] {
    return this.#taps.flatMap((tap) => {
      const count = tap.takeDroppedCount();
      return count === 0 ? [] : [[tap.id, count] as [number, number]];
    });
  }
}
