/** Exchanges as they happen: read as a stream, shown a few times a second, and never more than a screen can use. */
import type { ExchangeRecord } from './answers.ts';
import type { ApiProblem } from './ask.ts';
import { EventStream, type StreamState } from './event-stream.ts';

export const ROWS_MAX = 500;
const SHOW_EVERY_MS = 100;

export interface TailRow {
  /** In the order in which they came. Ids are up to clients and may repeat. */
  readonly number: number;
  readonly exchange: ExchangeRecord;
}

export interface TailView {
  readonly state: StreamState;
  readonly problem: ApiProblem | undefined;
  /** Newest first. */
  readonly rows: readonly TailRow[];
  readonly isPaused: boolean;
  /** Come while it was paused. */
  readonly waiting: number;
  /** Not sent, because there were too many. */
  readonly dropped: number;
  readonly received: number;
}

const nothing: TailView = {
  state: 'connecting',
  problem: undefined,
  rows: [],
  isPaused: false,
  waiting: 0,
  dropped: 0,
  received: 0,
};

export class TailFeed {
  readonly #stream: EventStream;
  readonly #listeners = new Set<() => void>();
  #view = nothing;
  /** Not shown yet, newest last: no more than could be shown. */
  #pending: TailRow[] = [];
  /** All that are not shown yet, also those that never will be. */
  #waiting = 0;
  #received = 0;
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string) {
    this.#stream = new EventStream(path, {
      onEvent: ({ name, data }) => this.#onEvent(name, data),
      onState: (state, problem) => this.#set({ state, problem }),
    });
  }

  get view(): TailView {
    return this.#view;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  pause(isPaused: boolean): void {
    this.#set({ isPaused });
    if (!isPaused) this.#show();
  }

  clear(): void {
    this.#pending = [];
    this.#waiting = 0;
    this.#dropped = 0;
    this.#received = 0;
    this.#set({ rows: [], waiting: 0, dropped: 0, received: 0 });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stream.stop();
  }

  #onEvent(name: string, data: string): void {
    if (name === 'dropped') this.#dropped += (JSON.parse(data) as { count: number }).count;
    if (name === 'exchange') {
      this.#received += 1;
      this.#waiting += 1;
      this.#pending.push({ number: this.#received, exchange: JSON.parse(data) as ExchangeRecord });
      if (this.#pending.length > 2 * ROWS_MAX) this.#pending = this.#pending.slice(-ROWS_MAX);
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#show();
    }, SHOW_EVERY_MS);
  }

  #show(): void {
    const { isPaused, rows } = this.#view;
    const counts = { dropped: this.#dropped, received: this.#received };
    if (isPaused) {
      this.#set({ ...counts, waiting: this.#waiting });
      return;
    }
    const fresh = this.#pending.slice(-ROWS_MAX).toReversed();
    this.#pending = [];
    this.#waiting = 0;
    this.#set({ ...counts, waiting: 0, rows: [...fresh, ...rows.slice(0, ROWS_MAX - fresh.length)] });
  }

  #set(change: Partial<TailView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
