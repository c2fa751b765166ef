/** A listening socket of one data thread: accepts, counts, caps, and stops. What is done with a connection is the owner's part. */
import { createServer, type Server, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import { takeOverSocket } from './accept.ts';
import { AcceptedTlsSocket, encodeProtocols } from './accepted-tls.ts';
import type { SocketAddress } from './address.ts';
import type { SocketMaker } from './byte-stream.ts';
import { Handshake, type HandshakeEnd } from './handshake.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { ServerCertificates, type ServerCertificatesOptions } from './server-certificates.ts';
import type { TlsFacts } from './tls-facts.ts';

export interface ListenerCaps {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export interface ListenerTls extends ServerCertificatesOptions {
  /** What clients are offered (ALPN), best first. */
  readonly protocols: readonly string[];
}

/** What may change while the listener listens. */
export interface ListenerSettings {
  readonly caps: ListenerCaps;
  readonly tls: ListenerTls | undefined;
  /** How long a client may take for its handshake. */
  readonly handshakeTimeoutMs: number;
}

export interface ListenerOptions {
  readonly name: string;
  readonly address: SocketAddress;
  /** Several threads listen on one address; the operating system spreads the connections. */
  readonly sharesPort: boolean;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
}

/** What an accepted connection is, before its first byte. */
export interface AcceptedConnection {
  /** For who reads into buffers of its own. */
  readonly makeSocket: SocketMaker;
  /** For who takes the socket itself: paused, and not read from yet. */
  takeSocket(): Socket;
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Who holds the other end of the connection: the client, or a proxy that has told of it. */
  readonly peerAddress: string;
  readonly isSecure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly protocol: 'http1' | 'http2';
}

export interface ListenerOwner {
  onConnection(connection: AcceptedConnection): void;
  /** A connection was closed unanswered because a cap is reached. */
  onRefused(clientAddress: string, cap: 'listener' | 'client-address'): void;
  /** A client did not come through the handshake; its connection is closed. */
  onHandshakeFailed(clientAddress: string, reason: string): void;
  /** The listening socket failed after it had started. */
  onListenerError(error: Error): void;
}

const BACKLOG = 4096;

export class Listener {
  readonly options: ListenerOptions;
  #settings: ListenerSettings;
  #server: Server | undefined;
  #certificates: ServerCertificates | undefined;
  #protocols: Buffer = noProtocols;
  #ticketKey: Buffer | undefined;
  readonly #owner: ListenerOwner;
  readonly #perAddress = new Map<string, number>();
  readonly #handshakes = new Set<Handshake>();
  connectionCount = 0;

  /** Throws when a certificate, key or list cannot be used. */
  constructor(options: ListenerOptions, settings: ListenerSettings, owner: ListenerOwner) {
    this.options = options;
    this.#owner = owner;
    this.#settings = settings;
    this.#setTls(settings.tls);
  }

  get isSecure(): boolean {
    return this.#certificates !== undefined;
  }

  /** Connections whose handshake is not over; they are counted but belong to nobody yet. */
  get handshakeCount(): number {
    return this.#handshakes.size;
  }

  get settings(): ListenerSettings {
    return this.#settings;
  }

  /** New connections meet these; present ones keep theirs. Throws when a certificate, key or list cannot be used. */
  set settings(settings: ListenerSettings) {
    if (settings.tls !== this.#settings.tls) this.#setTls(settings.tls);
    this.#settings = settings;
  }

  /** Session tickets are made with this key from now on. */
  setTicketKey(key: Buffer): void {
    this.#ticketKey = key;
    this.#certificates?.setTicketKey(key);
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

  /** Ends the connections that are in the middle of their handshake. */
  closeHandshakes(): void {
    for (const handshake of [...this.#handshakes]) handshake.close();
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
    if (this.#certificates === undefined) this.#owner.onConnection(toPlainConnection(socket, { clientAddress, clientPort }));
    else this.#beginHandshake(socket, this.#certificates, { clientAddress, clientPort });
  }

  #setTls(tls: ListenerTls | undefined): void {
    const certificates = tls === undefined ? undefined : new ServerCertificates(tls, this.#ticketKey);
    certificates?.check();
    this.#certificates = certificates;
    this.#protocols = encodeProtocols(tls?.protocols ?? []);
  }

  #beginHandshake(socket: Socket, certificates: ServerCertificates, client: ClientPlace): void {
    const { clients } = certificates.options;
    const { wheel, buffers } = this.options;
    const handshake: Handshake = new Handshake(clients, (end) => this.#endHandshake(handshake, client, end));
    this.#handshakes.add(handshake);
    wheel.arm(handshake, this.#settings.handshakeTimeoutMs);
    handshake.socket = AcceptedTlsSocket.begin(
      socket,
      {
        context: certificates.default,
        findContext: certificates.dependsOnHost ? (serverName): SecureContext => certificates.find(serverName) : undefined,
        protocols: this.#protocols,
        asksForCertificate: clients !== undefined,
        requiresCertificate: clients?.isRequired === true && !clients.answersFailure,
        firstBuffer: buffers.shared,
      },
      handshake,
    );
  }

  #endHandshake(handshake: Handshake, { clientAddress, clientPort }: ClientPlace, end: HandshakeEnd): void {
    this.options.wheel.remove(handshake);
    this.#handshakes.delete(handshake);
    if ('reason' in end) {
      this.release(clientAddress);
      this.#owner.onHandshakeFailed(clientAddress, end.reason);
      return;
    }
    const { socket, facts } = end;
    this.#owner.onConnection({
      makeSocket: (onread) => {
        socket.takeOver(onread);
        return { socket, readsDirectly: true };
      },
      takeSocket: () => socket,
      clientAddress,
      clientPort,
      peerAddress: clientAddress,
      isSecure: true,
      tls: facts,
      protocol: facts.alpnProtocol === 'h2' ? 'http2' : 'http1',
    });
  }

  #reachedCap(clientAddress: string): 'listener' | 'client-address' | undefined {
    if (this.connectionCount >= this.#settings.caps.connectionsMax) return 'listener';
    if (this.#settings.caps.connectionsPerAddressMax === Number.POSITIVE_INFINITY) return undefined;
    return (this.#perAddress.get(clientAddress) ?? 0) >= this.#settings.caps.connectionsPerAddressMax
      ? 'client-address'
      : undefined;
  }

  #countAddress(clientAddress: string): void {
    // Beyond this many different addresses the listener's own cap has to do: the map must not grow with its attackers.
    const count = this.#perAddress.get(clientAddress);
    if (count === undefined && this.#perAddress.size >= limits.clientAddressesMax) return;
    this.#perAddress.set(clientAddress, (count ?? 0) + 1);
  }
}

interface ClientPlace {
  readonly clientAddress: string;
  readonly clientPort: number;
}

const noProtocols = Buffer.alloc(0);

function toPlainConnection(socket: Socket, { clientAddress, clientPort }: ClientPlace): AcceptedConnection {
  return {
    makeSocket: takeOverSocket(socket),
    takeSocket: () => socket,
    clientAddress,
    clientPort,
    peerAddress: clientAddress,
    isSecure: false,
    tls: undefined,
    protocol: 'http1',
  };
}

/** IPv4 clients of a dual-stack listener come as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
