/** Whether a request to the admin API may be answered. All of it is up to the client. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { GatewayError } from '#base/errors.ts';
import type { AdminConfiguration } from '#config/configuration.ts';
import type { OperatorRole } from '#config/operator-roles.ts';
import type { SocketAddress } from '#net/address.ts';
import { isLoopbackHost } from '#net/loopback.ts';
import { adminErrors } from './admin-errors.ts';
import type { Operator } from './operator.ts';

export interface AdminToken {
  /** `token` for the one without a name. */
  readonly name: string;
  readonly role: OperatorRole;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

export interface AdminAccess {
  /** As the configuration writes it. */
  readonly address: SocketAddress;
  readonly tokens: readonly AdminToken[];
  /** Only who shows a certificate of the configured authority is answered. */
  readonly needsCertificate: boolean;
  /** `/metrics` is answered only to operators. */
  readonly protectsMetrics: boolean;
}

export interface AdminRequest {
  readonly headers: IncomingHttpHeaders;
  readonly clientAddress: string;
  /** A certificate that is valid was shown. */
  readonly hasCertificate: boolean;
}

export function toAdminRequest({ headers, socket }: IncomingMessage): AdminRequest {
  const hasCertificate = (socket as TLSSocket).authorized === true;
  return { headers, clientAddress: socket.remoteAddress ?? '', hasCertificate };
}

/** What a configuration says of who may. */
export function toAdminAccess({ address, token, tokens, tls, protectMetrics }: AdminConfiguration): AdminAccess {
  const single: AdminToken[] = token === undefined ? [] : [{ name: 'token', role: 'admin', digest: toDigest(token.reveal()) }];
  const named = Object.entries(tokens).map(([name, { role, token: written, sha256 }]): AdminToken => {
    const digest = written === undefined ? Buffer.from(sha256 ?? '', 'hex') : toDigest(written.reveal());
    return { name, role, digest };
  });
  const needsCertificate = tls?.clientCa !== undefined;
  return { address, tokens: [...single, ...named], needsCertificate, protectsMetrics: protectMetrics };
}

/** Who the operator is, or why there is no answer. */
export function admit(request: AdminRequest, { address, tokens, needsCertificate }: AdminAccess): Operator | GatewayError {
  const { headers, clientAddress, hasCertificate } = request;
  const where = 'path' in address ? 'unix' : clientAddress;
  if (isCrossSite(headers)) return adminErrors.crossSite();
  if (needsCertificate && !hasCertificate) return adminErrors.certificateNeeded();
  if (tokens.length > 0) {
    const token = findShown(tokens, headers.authorization);
    return token === undefined ? adminErrors.wrongToken() : { by: token.name, role: token.role, address: where };
  }
  if (needsCertificate) return { by: 'certificate', role: 'admin', address: where };
  // Who may open the socket is up to the permissions of its file.
  if ('path' in address) return { by: 'loopback', role: 'admin', address: where };
  if (!isLoopbackHost(address.host)) return adminErrors.tokenNeeded();
  // A page can give its own name the address 127.0.0.1, and is then of the same site (DNS rebinding).
  if (!isLoopbackHost(readHost(headers.host ?? ''))) return adminErrors.foreignHost();
  return { by: 'loopback', role: 'admin', address: where };
}

/** Browsers say where a request comes from; programs say nothing. */
function isCrossSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  const text = /^https?:\/\/(.+)$/.exec(origin)?.[1];
  return text === undefined || text.toLowerCase() !== host?.toLowerCase();
}

/** Takes as long whatever is shown: digests are of one length, and all of them are looked at. */
function findShown(tokens: readonly AdminToken[], authorization: string | undefined): AdminToken | undefined {
  const shown = toDigest(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
  let found: AdminToken | undefined;
  for (const token of tokens) if (timingSafeEqual(shown, token.digest)) found = token;
  return found;
}

function toDigest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Of a Host field, without port and brackets. */
function readHost(field: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(field);
  return match?.[1] ?? match?.[2] ?? '';
}
