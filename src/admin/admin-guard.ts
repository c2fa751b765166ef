/** Whether a request to the admin API may be answered. All of it is up to the client. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { GatewayError } from '#base/errors.ts';
import type { Secret } from '#base/secret.ts';
import type { SocketAddress } from '#net/address.ts';
import { adminErrors } from './admin-errors.ts';
import type { Operator } from './service-administration.ts';

export interface AdminAccess {
  /** As the configuration writes it. */
  readonly address: SocketAddress;
  readonly token: Secret | undefined;
}

export interface AdminRequest {
  readonly headers: IncomingHttpHeaders;
  readonly clientAddress: string;
}

/** Who the operator is, or why there is no answer. */
export function admit({ headers, clientAddress }: AdminRequest, { address, token }: AdminAccess): Operator | GatewayError {
  if (isCrossSite(headers)) return adminErrors.crossSite();
  if (token !== undefined)
    return isShown(token, headers.authorization) ? { by: 'token', address: clientAddress } : adminErrors.wrongToken();
  // Who may open the socket is up to the permissions of its file.
  if ('path' in address) return { by: 'loopback', address: 'unix' };
  if (!isLoopback(address.host)) return adminErrors.tokenNeeded();
  // A page can give its own name the address 127.0.0.1, and is then of the same site (DNS rebinding).
  if (!isLoopback(readHost(headers.host ?? ''))) return adminErrors.foreignHost();
  return { by: 'loopback', address: clientAddress };
}

/** Browsers say where a request comes from; programs say nothing. */
function isCrossSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  const text = /^https?:\/\/(.+)$/.exec(origin)?.[1];
  return text === undefined || text.toLowerCase() !== host?.toLowerCase();
}

/** Takes as long whatever is shown: digests are of one length. */
function isShown(token: Secret, authorization: string | undefined): boolean {
  const shown = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(toDigest(shown), toDigest(token.reveal()));
}

function toDigest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** Of a Host field, without port and brackets. */
function readHost(field: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(field);
  return match?.[1] ?? match?.[2] ?? '';
}
