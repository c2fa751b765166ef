/** A listening socket of one data thread: accepts, counts, caps, and stops. What is done with a connection is the owner's part. */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { AddressSet } from '#base/address-set.ts';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { ProxyHeader, ProxyHost } from '#wire/proxy-protocol/header.ts';
import type { Accepted } from './accept.ts';
import { AcceptedTlsSocket, encodeProtocols } from './accepted-tls.ts';
import { ACME_TLS_PROTOCOL } from './acme-challenges.ts';
import { plainAddress, type SocketAddress } from './address.ts';
import type { SocketMaker } from './byte-stream.ts';
import type { ChallengeCertificates } from './challenge-certificates.ts';
import { Handshake, type HandshakeEnd } from './handshake.ts';
import type { HostMap } from './host-map.ts';
import { ListeningSockets } from './listening-sockets.ts';
import { type Opened, Opening, type OpeningStage } from './opening.ts';
import { unrecognizedName } from './past-tls.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { resetConnection } from './reset.ts';
import type { ServerCertificates } from './server-certificates.ts';
import type { SessionTickets } from './session-tickets.ts';
import type { TlsFacts } from './tls-facts.ts';

export interface ListenerCaps {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export interface ListenerTls {
  /** `undefined`: there must be hosts that are passed through; nobody else comes through the handshake. */
  readonly certificates: ServerCertificates | undefined;
  /** What clients are offered (ALPN), best first. */
  readonly protocols: readonly string[];
}

/** What may change while the listener listens. */
export interface ListenerSettings {
  readonly caps: ListenerCaps;
  readonly tls: ListenerTls | undefined;
  /** How long a client may take for its handshake, and before that for what is read of its first bytes. */
  readonly handshakeTimeoutMs: number;
  /** Peers that begin their connections with a PROXY header. */
  readonly proxies: AddressSet | undefined;
  /** Hosts whose TLS is not ended here; the values are their patterns. */
  readonly passthrough: HostMap<string> | undefined;
  /** Nobody reads what comes over the connections: they carry bytes. */
  readonly passesBytes: boolean;
}

export interface ListenerOptions {
  readonly name: string;
  readonly address: SocketAddress;
  /** Several threads listen on one address; the operating system spreads the connections. */
  readonly sharesPort: boolean;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  /** What authorities are shown at present, the same for all listeners. */
  readonly challenges: ChallengeCertificates;
  /** What its certificates make tickets with. */
  readonly tickets: SessionTickets;
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
  /** What `Listener.release` wants to hear. */
  readonly countedAddress: string;
  /** What a proxy has told. */
  readonly proxyHeader: ProxyHeader | undefined;
  readonly isSecure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly protocol: 'http1' | 'http2' | 'bytes';
  /** The host that the client asks for and the pattern that it goes by, where TLS goes on to a service. */
  readonly passthrough: { readonly serverName: string; readonly pattern: string } | undefined;
}

export interface ListenerOwner {
  onConnection(connection: AcceptedConnection): void;
  /** A connection was closed unanswered because a cap is reached. */
  onRefused(clientAddress: string, cap: 'listener' | 'client-address'): void;
  /** A client did not come through the handshake; its connection is closed. */
  onHandshakeFailed(clientAddress: string, reason: string): void;
  /** A client has asked for the challenge of a host and seen it; its connection is closed. */
  onChallengeShown(clientAddress: string, host: string): void;
  /** A proxy did not begin with a PROXY header; its connection is closed. */
  onProxyHeaderRefused(peerAddress: string, reason: string): void;
  /** The listening socket failed after it had started. */
  onListenerError(error: Error): void;
}

export class Listener {
  readonly options: ListenerOptions;
  #settings: ListenerSettings;
  #sockets: ListeningSockets | undefined;
  #protocols: Buffer = noProtocols;
  readonly #owner: ListenerOwner;
  readonly #perAddress = new Map<string, number>();
  readonly #handshakes = new Set<Handshake>();
  readonly #openings = new Set<Opening>();
  connectionCount = 0;

  constructor(options: ListenerOptions, settings: ListenerSettings, owner: ListenerOwner) {
    this.options = options;
    this.#owner = owner;
    this.#settings = settings;
    this.#protocols = encodeProtocols(settings.tls?.protocols ?? []);
  }

  get isSecure(): boolean {
    return this.#settings.tls !== undefined;
  }

  /** Connections whose handshake, or what is read before it, is not over; they are counted but belong to nobody yet. */
  get handshakeCount(): number {
    return this.#handshakes.size + this.#openings.size;
  }

  get settings(): ListenerSettings {
    return this.#settings;
  }

  /** New connections meet these; present ones keep theirs. */
  set settings(settings: ListenerSettings) {
    this.#settings = settings;
    this.#protocols = encodeProtocols(settings.tls?.protocols ?? []);
  }

  /** Resolves with the address once connections are accepted; rejects when it cannot listen. */
  async start(): Promise<SocketAddress> {
    const { address, sharesPort } = this.options;
    this.#sockets = await ListeningSockets.open(address, { sharesPort, onAccepted: (accepted) => this.#accept(accepted) });
    this.#sockets.onError((error) => this.#owner.onListenerError(error));
    return this.#sockets.addressOr(address);
  }

  /** Ends the connections that are in the middle of their handshake. */
  closeHandshakes(): void {
    for (const handshake of [...this.#handshakes]) handshake.close();
    for (const opening of [...this.#openings]) opening.close('the gateway is stopping');
  }

  /** Stops accepting. Connections that are open stay open. */
  stop(): void {
    this.#sockets?.close();
    this.#sockets = undefined;
  }

  /** The owner says that an accepted connection has ended. */
  release(countedAddress: string): void {
    this.connectionCount -= 1;
    const count = this.#perAddress.get(countedAddress);
    if (count === undefined) return;
    if (count <= 1) this.#perAddress.delete(countedAddress);
    else this.#perAddress.set(countedAddress, count - 1);
  }

  #accept(accepted: Accepted): void {
    const { address = '', port = 0 } = accepted.findPeer();
    const peerAddress = plainAddress(address);
    const { caps, proxies, passthrough, tls } = this.#settings;
    if (this.connectionCount >= caps.connectionsMax) return this.#refuse(accepted, peerAddress, 'listener');
    this.connectionCount += 1;
    const wants = {
      proxyHeader: proxies?.has(peerAddress) === true,
      hello: passthrough !== undefined || this.#showsChallenges || tls?.certificates?.needsHost === true,
    };
    if (wants.proxyHeader || wants.hello) return this.#open(accepted, wants, { address: peerAddress, port });
    this.#enter(accepted, { clientAddress: peerAddress, clientPort: port, peerAddress, proxyHeader: undefined }, undefined);
  }

  /** Reads the first bytes of a connection, because they say where it comes from or where it wants to go. */
  #open(accepted: Accepted, wants: { proxyHeader: boolean; hello: boolean }, peer: ProxyHost): void {
    const { address: peerAddress } = peer;
    const timing = { wheel: this.options.wheel, timeoutMs: this.#settings.handshakeTimeoutMs };
    const opening: Opening = new Opening(accepted.socket, wants, timing, {
      onOpened: (opened) => {
        this.#openings.delete(opening);
        const { proxyHeader } = opened;
        const source = proxyHeader?.addresses?.source ?? peer;
        this.#enter(accepted, { clientAddress: source.address, clientPort: source.port, peerAddress, proxyHeader }, opened);
      },
      onNotOpened: (stage, reason) => {
        this.#openings.delete(opening);
        this.connectionCount -= 1;
        this.#tellNotOpened(stage, peerAddress, reason);
      },
    });
    this.#openings.add(opening);
  }

  #tellNotOpened(stage: OpeningStage, peerAddress: string, reason: string): void {
    if (stage === 'proxy-header') this.#owner.onProxyHeaderRefused(peerAddress, reason);
    else this.#owner.onHandshakeFailed(peerAddress, reason);
  }

  /** It is known who the client is: a connection that a proxy has told of is counted for the client behind it. */
  #enter(accepted: Accepted, place: ClientPlace, opened: Opened | undefined): void {
    const { clientAddress, proxyHeader } = place;
    // A proxy that speaks for itself, to see whether we are there, has as many connections as it likes.
    const isCounted = proxyHeader === undefined || proxyHeader.addresses !== undefined;
    if (isCounted && this.#isAddressFull(clientAddress)) {
      this.connectionCount -= 1;
      return this.#refuse(accepted, clientAddress, 'client-address');
    }
    const counted = { ...place, countedAddress: isCounted ? clientAddress : '' };
    if (isCounted) this.#countAddress(clientAddress);
    if (this.#showsChallenges) {
      const context = this.options.challenges.find(opened?.hello);
      if (context !== undefined) return this.#showChallenge(accepted, context, counted, opened!);
    }
    const passthrough = this.#findPassthrough(opened);
    if (passthrough !== undefined || !this.isSecure) {
      const protocol = passthrough !== undefined || this.#settings.passesBytes ? 'bytes' : 'http1';
      this.#owner.onConnection(toPlainConnection(accepted, counted, { early: opened?.bytes, protocol, passthrough }));
    } else {
      const certificates = this.#settings.tls?.certificates;
      if (certificates === undefined) this.#refuseHost(accepted, counted, opened);
      else this.#beginHandshake(accepted, certificates, counted, opened);
    }
  }

  /** A host goes on as it is when no certificate says more of its name than the pattern of passing it on does. */
  #findPassthrough(opened: Opened | undefined): AcceptedConnection['passthrough'] {
    const serverName = opened?.hello?.serverName;
    if (serverName === undefined) return undefined;
    const match = this.#settings.passthrough?.find(serverName);
    if (match === undefined || match.rank < (this.#settings.tls?.certificates?.rankOf(serverName) ?? 0)) return undefined;
    return { serverName, pattern: match.value };
  }

  /** There is no certificate at all, so nothing but the name could have helped. */
  #refuseHost({ socket }: Accepted, { countedAddress, peerAddress }: CountedPlace, opened: Opened | undefined): void {
    if (opened?.hello === undefined) socket.destroy();
    else socket.end(unrecognizedName, () => socket.destroy());
    this.release(countedAddress);
    this.#owner.onHandshakeFailed(peerAddress, 'the listener has no certificate, and passes no such host on');
  }

  #refuse({ socket }: Accepted, clientAddress: string, cap: 'listener' | 'client-address'): void {
    resetConnection(socket);
    this.#owner.onRefused(clientAddress, cap);
  }

  #beginHandshake(accepted: Accepted, certificates: ServerCertificates, client: CountedPlace, opened: Opened | undefined): void {
    const { clients } = certificates;
    const { wheel, buffers } = this.options;
    const serverName = opened?.hello?.serverName;
    const known = serverName === undefined ? undefined : certificates.find(serverName);
    const handshake: Handshake = new Handshake(clients, (end) => this.#endHandshake(handshake, client, end));
    this.#handshakes.add(handshake);
    wheel.arm(handshake, this.#settings.handshakeTimeoutMs);
    handshake.socket = new AcceptedTlsSocket(
      accepted.takeHandle(),
      {
        context: known ?? certificates.default,
        findContext: certificates.dependsOnHost && known === undefined ? (name) => certificates.find(name) : undefined,
        protocols: this.#protocols,
        asksForCertificate: clients !== undefined,
        requiresCertificate: clients?.isRequired === true && !clients.answersFailure,
        firstBuffer: buffers.shared,
      },
      handshake,
    );
    if (opened !== undefined) handshake.socket.receive(opened.bytes);
  }

  get #showsChallenges(): boolean {
    return this.isSecure && !this.options.challenges.isEmpty;
  }

  /** RFC 8737 §3: the handshake is all there is; nothing follows it. */
  #showChallenge(accepted: Accepted, context: SecureContext, client: CountedPlace, { bytes, hello }: Opened): void {
    const { wheel, buffers } = this.options;
    const handshake: Handshake = new Handshake(undefined, (end) => {
      if ('reason' in end) return this.#endHandshake(handshake, client, end);
      // Until the connection is closed it is still in the time that a handshake may take.
      end.socket.on('error', () => end.socket.destroy());
      end.socket.on('close', () => {
        wheel.remove(handshake);
        this.#handshakes.delete(handshake);
        this.release(client.countedAddress);
        this.#owner.onChallengeShown(client.clientAddress, hello?.serverName ?? '');
      });
      end.socket.end(() => end.socket.destroy());
    });
    this.#handshakes.add(handshake);
    wheel.arm(handshake, this.#settings.handshakeTimeoutMs);
    const options = {
      findContext: undefined,
      asksForCertificate: false,
      requiresCertificate: false,
      firstBuffer: buffers.shared,
    };
    handshake.socket = new AcceptedTlsSocket(
      accepted.takeHandle(),
      { context, protocols: challengeProtocols, ...options },
      handshake,
    );
    handshake.socket.receive(bytes);
  }

  #endHandshake(handshake: Handshake, client: CountedPlace, end: HandshakeEnd): void {
    this.options.wheel.remove(handshake);
    this.#handshakes.delete(handshake);
    if ('reason' in end) {
      this.release(client.countedAddress);
      this.#owner.onHandshakeFailed(client.clientAddress, end.reason);
      return;
    }
    const { socket, facts } = end;
    this.#owner.onConnection({
      makeSocket: (onread) => {
        socket.takeOver(onread);
        return { socket, readsDirectly: true };
      },
      takeSocket: () => socket,
      clientAddress: client.clientAddress,
      clientPort: client.clientPort,
      peerAddress: client.peerAddress,
      countedAddress: client.countedAddress,
      proxyHeader: client.proxyHeader,
      isSecure: true,
      tls: facts,
      protocol: this.#settings.passesBytes ? 'bytes' : facts.alpnProtocol === 'h2' ? 'http2' : 'http1',
      passthrough: undefined,
    });
  }

  #isAddressFull(clientAddress: string): boolean {
    const { connectionsPerAddressMax } = this.#settings.caps;
    if (connectionsPerAddressMax === Number.POSITIVE_INFINITY) return false;
    return (this.#perAddress.get(clientAddress) ?? 0) >= connectionsPerAddressMax;
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
  readonly peerAddress: string;
  readonly proxyHeader: ProxyHeader | undefined;
}

interface CountedPlace extends ClientPlace {
  /** Empty where the connection counts for nobody. */
  readonly countedAddress: string;
}

const noProtocols = Buffer.alloc(0);
const challengeProtocols = encodeProtocols([ACME_TLS_PROTOCOL]);

interface PlainUse {
  readonly early: Buffer | undefined;
  readonly protocol: 'http1' | 'bytes';
  readonly passthrough: AcceptedConnection['passthrough'];
}

function toPlainConnection(
  accepted: Accepted,
  place: CountedPlace,
  { early, protocol, passthrough }: PlainUse,
): AcceptedConnection {
  return {
    makeSocket: accepted.toSocketMaker(early),
    takeSocket() {
      const { socket } = accepted;
      if (early !== undefined && early.length > 0) socket.unshift(early);
      return socket;
    },
    clientAddress: place.clientAddress,
    clientPort: place.clientPort,
    peerAddress: place.peerAddress,
    countedAddress: place.countedAddress,
    proxyHeader: place.proxyHeader,
    isSecure: false,
    tls: undefined,
    protocol,
    passthrough,
  };
}
