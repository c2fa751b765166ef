/** A listening socket of one data thread: accepts, counts, caps, and stops. What is done with a connection is the owner's part. */
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { limits } from '#base/limits.ts';
import { takeOverSocket } from './accept.ts';
import type { SocketAddress } from './address.ts';
import type { SocketMaker } from './byte-stream.ts';

export interface ListenerCaps {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export interface ListenerTls {
  readonly certificates: readonly { readonly cert: string | Buffer; readonly key: string | Buffer }[];
}

export interface ListenerOptions {
  readonly name: string;
  readonly address: SocketAddress;
  readonly caps: ListenerCaps;
  readonly tls: ListenerTls | undefined;
  /** Several threads listen on one address; the operating system spreads the connections. */
  readonly sharesPort: boolean;
}

/** What an accepted connection is, before its first byte. */
export interface AcceptedConnection {
  readonly makeSocket: SocketMaker;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly isSecure: boolean;
}

export interface ListenerOwner {
  onConnection(connection: AcceptedConnection): void;
  /** A connection was closed unanswered because a cap is reached. */
  onRefused(clientAddress: string, cap: 'listener' | 'client-address'): void;
  /** The listening socket failed after it had started. */
  onListenerError(error: Error): void;
}

const BACKLOG = 4096;

export class Listener {
  readonly options: ListenerOptions;
  caps: ListenerCaps;
  #server: Server | undefined;
  #tls: ListenerTls | undefined;
  #secureContext: ReturnType<typeof createSecureContext> | undefined;
  readonly #owner: ListenerOwner;
  readonly #perAddress = new Map<string, number>();
  connectionCount = 0;

  constructor(options: ListenerOptions, owner: ListenerOwner) {
    this.options = options;
    this.caps = options.caps;
    this.#owner = owner;
    this.setTls(options.tls);
  }

  get isSecure(): boolean {
    return this.#tls !== undefined;
  }

  /** New connections use these certificates; present ones keep theirs. Throws when a certificate or key cannot be read. */
  setTls(tls: ListenerTls | undefined): void {
    this.#tls = tls;
    const first = tls?.certificates[0];
    this.#secureContext =
      first === undefined ? undefined : createSecureContext({ cert: first.cert, key: first.key, minVersion: 'TLSv1.2' });
  }

  /** Resolves with the address once connections are accepted; rejects when it cannot listen. */
  async start(): Promise<SocketAddress> {
    const { address, sharesPort } = this.options;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const where =
        'path' in address ? { path: address.path } : { host: address.host, port: address.port, reusePort: sharesPort };
      server.listen({ ...where, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => this.#owner.onListenerError(error));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') return address;
    return { host: bound.address, port: bound.port };
  }

  /** Stops accepting. Connections that are open stay open. */
  stop(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** The owner says that an accepted connection has ended. */
  release(clientAddress: string): void {
    this.connectionCount -= 1;
    const count = this.#perAddress.get(clientAddress);
    if (count === undefined) return;
    if (count <= 1) this.#perAddress.delete(clientAddress);
    else this.#perAddress.set(clientAddress, count - 1);
  }

  #accept(socket: Socket): void {
    const clientAddress = plainAddress(socket.remoteAddress ?? '');
    const clientPort = socket.remotePort ?? 0;
    const cap = this.#reachedCap(clientAddress);
    if (cap !== undefined) {
      socket.resetAndDestroy();
      this.#owner.onRefused(clientAddress, cap);
      return;
    }
    this.connectionCount += 1;
    this.#countAddress(clientAddress);
    const makeSocket =
      this.#tls === undefined ? takeOverSocket(socket) : () => ({ socket: this.#secure(socket), readsDirectly: false });
    this.#owner.onConnection({ makeSocket, clientAddress, clientPort, isSecure: this.#tls !== undefined });
  }

  #reachedCap(clientAddress: string): 'listener' | 'client-address' | undefined {
    if (this.connectionCount >= this.caps.connectionsMax) return 'listener';
    if (this.caps.connectionsPerAddressMax === Number.POSITIVE_INFINITY) return undefined;
    return (this.#perAddress.get(clientAddress) ?? 0) >= this.caps.connectionsPerAddressMax ? 'client-address' : undefined;
  }

  #countAddress(clientAddress: string): void {
    // Beyond this many different addresses the listener's own cap has to do: the map must not grow with its attackers.
    const count = this.#perAddress.get(clientAddress);
    if (count === undefined && this.#perAddress.size >= limits.clientAddressesMax) return;
    this.#perAddress.set(clientAddress, (count ?? 0) + 1);
  }

  #secure(socket: Socket): TLSSocket {
    // `pauseOnConnect` stopped the socket's reading; the TLS layer reads the handle itself.
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#secureContext!,
      allowHalfOpen: true,
      ALPNProtocols: ['http/1.1'],
    } as object);
  }
}

/** IPv4 clients of a dual-stack listener come as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
