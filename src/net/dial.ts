/** Opens outgoing connections: TCP with fast fallback between address families (RFC 8305), TLS over it, or a unix socket. */
import { connect, type LookupFunction } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
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

/** How long one address family may take before the other is tried beside it. */
const FAMILY_ATTEMPT_MS = 250;

/** Makes a stream's socket that is on its way to an upstream. */
export function dial({ address, tls, resolver }: DialOptions): SocketMaker {
  const where =
    'path' in address
      ? { path: address.path }
      : {
          host: address.host,
          port: address.port,
          lookup: toLookup(resolver),
          autoSelectFamily: true,
          autoSelectFamilyAttemptTimeout: FAMILY_ATTEMPT_MS,
          noDelay: true,
        };
  if (tls === undefined) {
    return (onread) => ({ socket: connect({ ...where, allowHalfOpen: true, onread }), readsDirectly: true });
  }
  const serverName = tls.serverName ?? ('host' in address ? address.host : undefined);
  const options: ConnectionOptions = { ...where, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' };
  if (serverName !== undefined) options.servername = serverName;
  if (tls.ca !== undefined) options.ca = tls.ca;
  return () => ({ socket: connectTls(options), readsDirectly: false });
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
