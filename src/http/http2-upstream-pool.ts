import { limits } from '#base/limits.ts';
import type { SocketMaker } from '#net/byte-stream.ts';
import type { Http2UpstreamServices } from './http2-call-carrier.ts';
import type { Http2UpstreamCall } from './http2-upstream-call.ts';
import { type Http2ConnectionHome, Http2UpstreamConnection } from './http2-upstream-connection.ts';
import { type CallTaker, PoolQueue, type PoolSettings, type PoolWaiter, type UpstreamPool } from './upstream-pool.ts';

/**
 * HTTP/2 connections, each for as many calls at a time as the upstream allows. Calls go to a connection that has room, so
 * that there are as few as can be; one more is opened when all are full, up to the cap, and then calls wait.
 */
export class Http2UpstreamPool implements UpstreamPool, Http2ConnectionHome {
  readonly #settings: PoolSettings;
  readonly #services: Http2UpstreamServices;
  readonly #makeSocket: SocketMaker;
  readonly #queue: PoolQueue;
  /** Those that take calls. */
  readonly #all = new Set<Http2UpstreamConnection>();
  /** Those among them that have room. */
  readonly #roomy = new Set<Http2UpstreamConnection>();
  /** How many streams the upstream has allowed last. */
  #streamsMax: number = limits.upstreamStreamsAssumed;
  #isClosed = false;

  constructor(settings: PoolSettings, services: Omit<Http2UpstreamServices, 'roomTimeoutMs'>, makeSocket: SocketMaker) {
    this.#settings = settings;
    this.#services = { ...services, roomTimeoutMs: settings.queueTimeoutMs };
    this.#makeSocket = makeSocket;
    this.#queue = new PoolQueue(settings, services.wheel);
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  take(taker: CallTaker, options: { readonly isFresh: boolean }): PoolWaiter | undefined {
    const connection = this.#find(options.isFresh) ?? this.#openIfAllowed() ?? this.#find(false);
    if (connection === undefined) return this.#queue.add(taker);
    taker.onCall(connection.createCall());
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#all]) if (connection.callCount === 0) connection.leave();
  }

  onRoom(connection: Http2UpstreamConnection): void {
    if (this.#isClosed && connection.callCount === 0) return connection.leave();
    this.#streamsMax = connection.streamsMax;
    if (!connection.hasRoom || connection.isRefusing) {
      this.#roomy.delete(connection);
      return;
    }
    this.#roomy.add(connection);
    this.#serveQueue();
  }

  onConnectionLeft(connection: Http2UpstreamConnection): void {
    this.#all.delete(connection);
    this.#roomy.delete(connection);
    this.#serveQueue();
  }

  onSurplusCalls({ streamsMax }: Http2UpstreamConnection, calls: readonly Http2UpstreamCall[]): void {
    // Or the next connection would be given all of them, and they would not be moved again.
    this.#streamsMax = streamsMax;
    for (const call of calls) {
      // A second new connection would hardly allow more than the first one.
      const connection = this.#find(false) ?? (call.hasMoved ? undefined : this.#openIfAllowed());
      if (connection === undefined) return;
      call.moveTo(connection);
    }
  }

  #serveQueue(): void {
    while (!this.#queue.isEmpty) {
      const connection = this.#find(false) ?? this.#openIfAllowed();
      if (connection === undefined) return;
      this.#queue.next()!.onCall(connection.createCall());
    }
  }

  /** `isFresh`: one over which nothing was answered yet. */
  #find(isFresh: boolean): Http2UpstreamConnection | undefined {
    for (const connection of this.#roomy) {
      if (!connection.hasRoom) this.#roomy.delete(connection);
      else if (!isFresh || connection.answerCount === 0) return connection;
    }
    return undefined;
  }

  #openIfAllowed(): Http2UpstreamConnection | undefined {
    if (this.#all.size >= this.#settings.connectionsMax) return undefined;
    const streamsMax = Math.max(1, this.#streamsMax);
    const connection = new Http2UpstreamConnection(this.#makeSocket, streamsMax, this.#services, this);
    this.#all.add(connection);
    this.#roomy.add(connection);
    return connection;
  }
}
