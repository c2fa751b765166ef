/** Opens outgoing connections: TCP with fast fallback between address families (RFC 8305), TLS over it, or a unix socket. */
import { connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext } from 'node:tls';
import type { SocketAddress } from './address.ts';
import type { SocketMaker } from './byte-stream.ts';
import type { NameResolver } from './name-resolver.ts';

export interface DialTls {
  readonly serverName: string | undefined;
  readonly ca: string | Buffer | undefined;
}

export interface DialOptions {
  readonly address: SocketAddress;
  readonly tls: DialTls | undefined;
  readonly resolver: NameResolver;
}

/** How long one address may take before the next one is tried, of the other family where there is one. */
const ADDRESS_ATTEMPT_MS = 250;

/** Makes the sockets to one address; each is on its way to the upstream when its stream begins. */
export function createDialer({ address, tls, resolver }: DialOptions): () => SocketMaker {
  const where = 'path' in address ? { path: address.path } : toWhere(address, resolver);
  // A name that is resolved may be resolved to addresses that are gone.
  const name = 'host' in address && isIP(address.host) === 0 ? address.host : undefined;
  const track = name === undefined ? asItIs : (socket: Socket) => distrustUnlessConnected(socket, name, resolver);
  if (tls === undefined) {
    return () => (onread) => ({ socket: track(connect({ ...where, allowHalfOpen: true, onread })), readsDirectly: true });
  }
  const options = { ...where, ...toTlsOptions(tls, name) };
  return () => () => ({ socket: track(connectTls(options)), readsDirectly: false });
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

function toTlsOptions(tls: DialTls, name: string | undefined): ConnectionOptions & { allowHalfOpen: boolean } {
  // RFC 6066 §3: an address is no server name. The certificate is checked against it all the same.
  const serverName = tls.serverName ?? name;
  return {
    // Made once: reading the authorities again for each connection would cost milliseconds.
    secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...(tls.ca !== undefined && { ca: tls.ca }) }),
    ALPNProtocols: ['http/1.1'],
    allowHalfOpen: true,
    ...(serverName !== undefined && { servername: serverName }),
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
