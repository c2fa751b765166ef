import type { GatewayError } from '#base/errors.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { SocketMaker } from '#net/byte-stream.ts';
import { type ConnectionHome, Http1UpstreamConnection, type UpstreamConnectionServices } from './http1-upstream-connection.ts';
import { upstreamErrors } from './upstream-errors.ts';

export interface PoolSettings {
  /** Connections to one endpoint, per thread. */
  readonly connectionsMax: number;
  /** Exchanges that wait for a connection, per thread. */
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
}

/** Who waits for a connection. */
export interface ConnectionTaker {
  onConnection(connection: Http1UpstreamConnection): void;
  onNoConnection(error: GatewayError): void;
}

/** The connections of one thread to one endpoint. The one used last is reused first, so that a falling load lets the rest grow old and close. */
export class UpstreamPool implements ConnectionHome {
  readonly #settings: PoolSettings;
  readonly #services: UpstreamConnectionServices;
  readonly #dial: () => SocketMaker;
  readonly #free: Http1UpstreamConnection[] = [];
  readonly #waiters = new Set<PoolWaiter>();
  readonly #all = new Set<Http1UpstreamConnection>();
  #isClosed = false;

  constructor(settings: PoolSettings, services: UpstreamConnectionServices, dial: () => SocketMaker) {
    this.#settings = settings;
    this.#services = services;
    this.#dial = dial;
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  /** Gives a connection at once where there is one or may be one more; otherwise the taker waits in a bounded queue. */
  take(taker: ConnectionTaker, options: { readonly isFresh: boolean }): PoolWaiter | undefined {
    const free = options.isFresh ? undefined : this.#free.pop();
    if (free !== undefined) {
      taker.onConnection(free);
      return undefined;
    }
    if (this.#all.size >= this.#settings.connectionsMax && !this.#dropOldestFree()) return this.#enqueue(taker);
    taker.onConnection(this.#open());
    return undefined;
  }

  onConnectionFree(connection: Http1UpstreamConnection): void {
    if (this.#isClosed) return connection.close();
    const waiter = this.#nextWaiter();
    if (waiter === undefined) this.#free.push(connection);
    else waiter.taker.onConnection(connection);
  }

  onConnectionGone(connection: Http1UpstreamConnection): void {
    this.#all.delete(connection);
    const position = this.#free.lastIndexOf(connection);
    if (position >= 0) this.#free.splice(position, 1);
    const waiter = this.#all.size < this.#settings.connectionsMax ? this.#nextWaiter() : undefined;
    waiter?.taker.onConnection(this.#open());
  }

  /** Closes what is free now and the rest when it becomes free. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#free]) connection.close();
    this.#free.length = 0;
  }

  /** Called by waiters only. */
  forget(waiter: PoolWaiter): void {
    this.#waiters.delete(waiter);
    this.#services.wheel.remove(waiter);
  }

  #open(): Http1UpstreamConnection {
    const connection = new Http1UpstreamConnection(this.#dial(), this.#services, this);
    this.#all.add(connection);
    return connection;
  }

  /** For a fresh connection when the cap is reached: a free one makes room. */
  #dropOldestFree(): boolean {
    const oldest = this.#free.shift();
    if (oldest === undefined) return false;
    this.#all.delete(oldest);
    oldest.close();
    return true;
  }

  #enqueue(taker: ConnectionTaker): PoolWaiter | undefined {
    if (this.#waiters.size >= this.#settings.queueMax) {
      taker.onNoConnection(
        upstreamErrors.queueFull({ queueMax: this.#settings.queueMax, connectionsMax: this.#settings.connectionsMax }),
      );
      return undefined;
    }
    const waiter = new PoolWaiter(taker, this, this.#settings.queueTimeoutMs);
    this.#waiters.add(waiter);
    this.#services.wheel.arm(waiter, this.#settings.queueTimeoutMs);
    return waiter;
  }

  /** First come, first served: a Set keeps the order of insertion. */
  #nextWaiter(): PoolWaiter | undefined {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      this.#services.wheel.remove(waiter);
      return waiter;
    }
    return undefined;
  }
}

/** One exchange in the queue of a pool. */
export class PoolWaiter extends WheelTimer {
  readonly taker: ConnectionTaker;
  readonly #pool: UpstreamPool;
  readonly #timeoutMs: number;

  constructor(taker: ConnectionTaker, pool: UpstreamPool, timeoutMs: number) {
    super();
    this.taker = taker;
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  /** The exchange does not need a connection any more. */
  leave(): void {
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#pool.forget(this);
  }

  override onDeadline(): void {
    this.#pool.forget(this);
    this.taker.onNoConnection(upstreamErrors.queueTimeout({ timeoutMs: this.#timeoutMs }));
  }
}
