import type { SocketMaker } from '#net/byte-stream.ts';
import { type ConnectionHome, Http1UpstreamConnection, type UpstreamConnectionServices } from './http1-upstream-connection.ts';
import { type CallTaker, PoolQueue, type PoolSettings, type PoolWaiter, type UpstreamPool } from './upstream-pool.ts';

export interface ProxiedDialing {
  readonly version: 'v1' | 'v2';
  makeSocketAfter(preamble: Buffer): SocketMaker;
}

/**
 * HTTP/1 connections that begin with a PROXY header. The header tells of one client, and all requests over the connection
 * would be taken for that client's: so each carries one request and is not kept.
 */
export class ProxiedUpstreamPool implements UpstreamPool, ConnectionHome {
  readonly #settings: PoolSettings;
  readonly #services: UpstreamConnectionServices;
  readonly #dialing: ProxiedDialing;
  readonly #queue: PoolQueue;
  readonly #all = new Set<Http1UpstreamConnection>();

  constructor(settings: PoolSettings, services: UpstreamConnectionServices, dialing: ProxiedDialing) {
    this.#settings = settings;
    this.#services = services;
    this.#dialing = dialing;
    this.#queue = new PoolQueue(settings, services.wheel);
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  take(taker: CallTaker): PoolWaiter | undefined {
    if (this.#all.size >= this.#settings.connectionsMax) return this.#queue.add(taker);
    this.#open(taker);
    return undefined;
  }

  onConnectionFree(connection: Http1UpstreamConnection): void {
    connection.close();
  }

  onConnectionGone(connection: Http1UpstreamConnection): void {
    this.#all.delete(connection);
    const taker = this.#all.size < this.#settings.connectionsMax ? this.#queue.next() : undefined;
    if (taker !== undefined) this.#open(taker);
  }

  /** Every connection ends with its request. */
  close(): void {}

  #open(taker: CallTaker): void {
    const { version, makeSocketAfter } = this.#dialing;
    const makeSocket = makeSocketAfter(taker.encodeClientHeader(version));
    const connection = new Http1UpstreamConnection(makeSocket, this.#services, this);
    this.#all.add(connection);
    taker.onCall(connection);
  }
}
