/** What every pool of upstream connections offers, and the queue in front of it. */
import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { UpstreamCall } from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

export interface PoolSettings {
  /** Connections to one endpoint, per thread. */
  readonly connectionsMax: number;
  /** Exchanges that wait for a connection, per thread. */
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
}

/** Who waits for a connection. */
export interface CallTaker {
  onCall(call: UpstreamCall): void;
  onNoCall(error: GatewayError): void;
  /** For a connection of its own: the PROXY header that tells whose request it carries. */
  encodeClientHeader(version: 'v1' | 'v2'): Buffer;
}

/** The connections of one thread to one endpoint. */
export interface UpstreamPool {
  readonly connectionCount: number;
  /** Exchanges that wait for one. */
  readonly waitingCount: number;
  /**
   * Gives a call at once where a connection has room or there may be one more; otherwise the taker waits in a bounded queue.
   * `isFresh`: over a connection that nobody has used.
   */
  take(taker: CallTaker, options: { readonly isFresh: boolean }): PoolWaiter | undefined;
  /** Closes what is free now and the rest when it becomes free. */
  close(): void;
}

/** The exchanges that wait for a connection of one pool: first come, first served. */
export class PoolQueue {
  readonly #settings: PoolSettings;
  readonly #wheel: TimerWheel;
  /** Keeps the order of insertion. */
  readonly #waiters = new Set<PoolWaiter>();

  constructor(settings: PoolSettings, wheel: TimerWheel) {
    this.#settings = settings;
    this.#wheel = wheel;
  }

  get length(): number {
    return this.#waiters.size;
  }

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  /** Lets the taker wait, or tells it at once that too many do. */
  add(taker: CallTaker): PoolWaiter | undefined {
    const { queueMax, connectionsMax, queueTimeoutMs } = this.#settings;
    if (this.#waiters.size >= queueMax) {
      taker.onNoCall(upstreamErrors.queueFull({ queueMax, connectionsMax }));
      return undefined;
    }
    const waiter = new PoolWaiter(taker, this, queueTimeoutMs);
    this.#waiters.add(waiter);
    this.#wheel.arm(waiter, queueTimeoutMs);
    return waiter;
  }

  /** Who has waited longest; it waits no more. */
  next(): CallTaker | undefined {
    for (const waiter of this.#waiters) {
      this.forget(waiter);
      return waiter.taker;
    }
    return undefined;
  }

  /** Called by waiters only. */
  forget(waiter: PoolWaiter): void {
    this.#waiters.delete(waiter);
    this.#wheel.remove(waiter);
  }
}

/** One exchange in the queue of a pool. */
export class PoolWaiter extends WheelTimer {
  readonly taker: CallTaker;
  readonly #queue: PoolQueue;
  readonly #timeoutMs: number;

  constructor(taker: CallTaker, queue: PoolQueue, timeoutMs: number) {
    super();
    this.taker = taker;
    this.#queue = queue;
    this.#timeoutMs = timeoutMs;
  }

  /** The exchange does not need a connection any more. */
  leave(): void {
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#queue.forget(this);
  }

  override onDeadline(): void {
    this.#queue.forget(this);
    this.taker.onNoCall(upstreamErrors.queueTimeout({ timeoutMs: this.#timeoutMs }));
  }
}
