/** Opens outgoing connections: TCP with fast fallback between address families (RFC 8305), TLS over it, or a unix socket. */
import { connect, isIP, type LookupFunction, Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { SocketAddress } from './address.ts';
import type { OnRead, SocketMaker } from './byte-stream.ts';
import type { NameResolver } from './name-resolver.ts';

export interface DialTls {
  /** Asked for and looked for in the certificate; without it, the host of the address. */
  readonly serverName: string | undefined;
  /** Certificates of authorities, PEM; without them, those of the system. */
  readonly ca: string | undefined;
  /** A revocation list of each authority, PEM. */
  readonly crl: string | undefined;
  /** What is shown to a peer that asks for a certificate, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** False: any certificate will do. */
  readonly isVerified: boolean;
  /** Protocols that are offered (ALPN), best first; none when empty. */
  readonly protocols: readonly string[];
}

export interface DialOptions {
  readonly address: SocketAddress;
  readonly tls: DialTls | undefined;
  readonly resolver: NameResolver;
}

/** Begins connections to one address. */
export interface Dialer {
  /** For a stream that reads into buffers of its own. The socket is on its way to the upstream when it is made. */
  readonly makeSocket: SocketMaker;
  /** For somebody who takes the socket over once it is connected. */
  readonly connect: () => Socket;
  /** As `connect`, with bytes that are sent before anything else, the TLS handshake included. */
  connectAfter(preamble: Buffer): Socket;
  /** As `makeSocket`, with bytes that are sent before anything else. */
  makeSocketAfter(preamble: Buffer): SocketMaker;
}

/** How long one address may take before the next one is tried, of the other family where there is one. */
const ADDRESS_ATTEMPT_MS = 250;

/** Throws when a certificate, key or list cannot be used. */
export function createDialer({ address, tls, resolver }: DialOptions): Dialer {
  const where = 'path' in address ? { path: address.path } : toWhere(address, resolver);
  // A name that is resolved may be resolved to addresses that are gone.
  const name = 'host' in address && isIP(address.host) === 0 ? address.host : undefined;
  const track = name === undefined ? asItIs : (socket: Socket) => distrustUnlessConnected(socket, name, resolver);
  const open = (onread?: OnRead) => connect({ ...where, allowHalfOpen: true, ...(onread && { onread }) });
  if (tls === undefined) {
    const openAfter = (preamble: Buffer, onread?: OnRead) => {
      const socket = track(open(onread));
      socket.write(preamble);
      return socket;
    };
    return {
      makeSocket: (onread) => ({ socket: track(open(onread)), readsDirectly: true }),
      connect: () => track(connect({ ...where })),
      connectAfter: (preamble) => openAfter(preamble),
      makeSocketAfter: (preamble) => (onread) => ({ socket: openAfter(preamble, onread), readsDirectly: true }),
    };
  }
  const secure = new SecureDialing({ ...where, ...toTlsOptions(tls, name) });
  const openSecureAfter = (preamble: Buffer) => {
    // A socket that connects already has a handle, and Node would put TLS on that; for the next address of a name it makes
    // another. Over a socket that exists already, it does not take `onread`.
    const socket = new Socket({ allowHalfOpen: true });
    const secured = secure.connect({ socket });
    track(socket.connect(where)).write(preamble);
    return secured;
  };
  return {
    makeSocket: (onread) => ({ socket: track(secure.connect({ onread })), readsDirectly: true }),
    connect: () => track(secure.connect({ allowHalfOpen: false })),
    connectAfter: openSecureAfter,
    makeSocketAfter: (preamble) => () => ({ socket: openSecureAfter(preamble), readsDirectly: false }),
  };
}

/** The settings of a client's side of TLS. Throws when one of the files cannot be used. */
function createDialContext({ ca, crl, certificate }: Pick<DialTls, 'ca' | 'crl' | 'certificate'>): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl }),
    ...certificate,
  });
}

/** Both are missing in the types of Node. */
type SecureOptions = ConnectionOptions & { allowHalfOpen?: boolean | undefined; onread?: OnRead | undefined };

/** Connections to one place. Each begins with the session of the last one, which saves both sides the costly part of the handshake. */
class SecureDialing {
  readonly #options: SecureOptions;
  #session: Buffer | undefined = undefined;
  readonly #onSession = (session: Buffer): void => {
    this.#session = session;
  };

  constructor(options: SecureOptions) {
    this.#options = options;
  }

  connect(options: SecureOptions): TLSSocket {
    const session = this.#session;
    const socket = connectTls({ ...this.#options, ...options, ...(session && { session }) });
    socket.on('session', this.#onSession);
    if (session !== undefined) this.#distrustUnlessSecured(socket);
    return socket;
  }

  /** A session that the peer chokes on must not spoil the next connection too. */
  #distrustUnlessSecured(socket: TLSSocket): void {
    const distrust = () => {
      this.#session = undefined;
    };
    socket.once('close', distrust);
    socket.once('secureConnect', () => socket.off('close', distrust));
  }
}

function toWhere({ host, port }: { host: string; port: number }, resolver: NameResolver): TcpNetConnectOpts {
  return {
    host,
    port,
    lookup: toLookup(resolver),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    noDelay: true,
  };
}

function toTlsOptions(tls: DialTls, name: string | undefined): SecureOptions {
  // RFC 6066 §3: an address is no server name. The certificate is checked against it all the same.
  const serverName = tls.serverName ?? name;
  return {
    // Made once: reading the authorities again for each connection would cost milliseconds.
    secureContext: createDialContext(tls),
    allowHalfOpen: true,
    ...(tls.protocols.length > 0 && { ALPNProtocols: [...tls.protocols] }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(!tls.isVerified && { rejectUnauthorized: false, checkServerIdentity: () => undefined }),
  };
}

function asItIs(socket: Socket): Socket {
  return socket;
}

function distrustUnlessConnected(socket: Socket, name: string, resolver: NameResolver): Socket {
  const distrust = () => resolver.distrust(name);
  socket.once('close', distrust);
  socket.once('connect', () => socket.off('close', distrust));
  return socket;
}

function toLookup(resolver: NameResolver): LookupFunction {
  return (host, options, callback) => {
    resolver.resolve(host).then(
      (addresses) => {
        if (options.all) callback(null, addresses);
        else callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}
