import type { SocketMaker } from '#net/byte-stream.ts';
import { type ConnectionHome, Http1UpstreamConnection, type UpstreamConnectionServices } from './http1-upstream-connection.ts';
import { type CallTaker, PoolQueue, type PoolSettings, type PoolWaiter, type UpstreamPool } from './upstream-pool.ts';

/**
 * HTTP/1 connections, each for one call at a time. The one used last is reused first, so that a falling load lets the rest
 * grow old and close.
 */
export class Http1UpstreamPool implements UpstreamPool, ConnectionHome {
  readonly #settings: PoolSettings;
  readonly #services: UpstreamConnectionServices;
  readonly #makeSocket: SocketMaker;
  readonly #free: Http1UpstreamConnection[] = [];
  readonly #queue: PoolQueue;
  readonly #all = new Set<Http1UpstreamConnection>();
  #isClosed = false;

  constructor(settings: PoolSettings, services: UpstreamConnectionServices, makeSocket: SocketMaker) {
    this.#settings = settings;
    this.#services = services;
    this.#makeSocket = makeSocket;
    this.#queue = new PoolQueue(settings, services.wheel);
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  take(taker: CallTaker, options: { readonly isFresh: boolean }): PoolWaiter | undefined {
    const free = options.isFresh ? undefined : this.#free.pop();
    if (free !== undefined) {
      taker.onCall(free);
      return undefined;
    }
    if (this.#all.size >= this.#settings.connectionsMax && !this.#dropOldestFree()) return this.#queue.add(taker);
    taker.onCall(this.#open());
    return undefined;
  }

  onConnectionFree(connection: Http1UpstreamConnection): void {
    if (this.#isClosed) return connection.close();
    const taker = this.#queue.next();
    if (taker === undefined) this.#free.push(connection);
    else taker.onCall(connection);
  }

  onConnectionGone(connection: Http1UpstreamConnection): void {
    this.#all.delete(connection);
    const position = this.#free.lastIndexOf(connection);
    if (position >= 0) this.#free.splice(position, 1);
    const taker = this.#all.size < this.#settings.connectionsMax ? this.#queue.next() : undefined;
    taker?.onCall(this.#open());
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#free]) connection.close();
    this.#free.length = 0;
  }

  #open(): Http1UpstreamConnection {
    const connection = new Http1UpstreamConnection(this.#makeSocket, this.#services, this);
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
}
