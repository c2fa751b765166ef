/**
 * Who the client is and what is said of it onwards: `X-Forwarded-*` and `Forwarded` (RFC 7239). What a peer says about
 * others is believed only when that peer is a trusted proxy, and only as far to the left as trust reaches; the rest is
 * forgeable and dropped. Knows nothing of connections: the caller says who the peer is.
 */

import { parseCidr } from '#base/ip.ts';
import { limits } from '#base/limits.ts';
import { clientCertificateNames } from './client-certificate-fields.ts';
import { getFieldValues } from './field-list.ts';

export interface ForwardedPeer {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  isTrusted(address: string): boolean;
}

export interface ForwardedClient {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** As the client wrote it; `undefined` when no trusted proxy said so. */
  readonly host: string | undefined;
  /** Client first, then the proxies that trust reaches, the peer last. */
  readonly chain: readonly string[];
}

/** Walks the proxies right to left from a peer that is itself trusted, until an address that is not. */
export function findClient(fields: readonly string[], peer: ForwardedPeer): ForwardedClient {
  const plain = getFieldValues(fields, 'x-forwarded-for');
  // `Forwarded` counts only without the older field: most proxies pass it on as the client sent it.
  return plain.length > 0 ? walkPlain(plain, fields, peer) : walkForwarded(getFieldValues(fields, 'forwarded'), fields, peer);
}

function walkPlain(lines: readonly string[], fields: readonly string[], peer: ForwardedPeer): ForwardedClient {
  const text = lines.join(',');
  const chain = [peer.address];
  for (let end = text.length; end >= 0 && mayGoOn(chain, peer); ) {
    const start = text.lastIndexOf(',', end - 1) + 1;
    const address = end === 0 ? undefined : toAddress(text.slice(start, end));
    if (address === undefined) break;
    chain.unshift(address);
    end = start - 1;
  }
  return { address: chain[0]!, ...findSchemeAndHost(fields, peer), chain };
}

function walkForwarded(lines: readonly string[], fields: readonly string[], peer: ForwardedPeer): ForwardedClient {
  const text = lines.join(',');
  const chain = [peer.address];
  let { scheme, host } = findSchemeAndHost(fields, peer);
  for (let end = text.length; end > 0 && mayGoOn(chain, peer); ) {
    const start = findElementStart(text, end);
    const pairs = readPairs(text.slice(start, end));
    const address = toAddress(pairs['for'] ?? '');
    if (address === undefined) break;
    chain.unshift(address);
    scheme = toScheme(pairs['proto']) ?? scheme;
    host = pairs['host'] ?? host;
    end = start - 1;
  }
  return { address: chain[0]!, scheme, host, chain };
}

function mayGoOn(chain: readonly string[], peer: ForwardedPeer): boolean {
  return chain.length <= limits.forwardedHopsMax && peer.isTrusted(chain[0]!);
}

/**
 * Where the list element that ends at `end` begins. Searched from the right, because what stands there comes from a trusted
 * proxy: a quote that a client left open must not swallow it.
 */
function findElementStart(text: string, end: number): number {
  let isQuoted = false;
  for (let i = end - 1; i >= 0; i--) {
    const char = text[i];
    if (char === '"' && !(isQuoted && isEscaped(text, i))) isQuoted = !isQuoted;
    else if (char === ',' && !isQuoted) return i + 1;
  }
  return 0;
}

/** Whether an odd number of backslashes stands before. */
function isEscaped(text: string, position: number): boolean {
  let start = position;
  while (start > 0 && text[start - 1] === '\\') start--;
  return (position - start) % 2 === 1;
}

function findSchemeAndHost(
  fields: readonly string[],
  peer: ForwardedPeer,
): { scheme: 'http' | 'https'; host: string | undefined } {
  // Of a list, the last entry is the one that the trusted peer itself added.
  const scheme = toScheme(lastOf(getFieldValues(fields, 'x-forwarded-proto')));
  return { scheme: scheme ?? peer.scheme, host: lastOf(getFieldValues(fields, 'x-forwarded-host')) };
}

function lastOf(lines: readonly string[]): string | undefined {
  const last = lines.at(-1)?.split(',').at(-1)?.trim();
  return last === '' ? undefined : last;
}

function toScheme(text: string | undefined): 'http' | 'https' | undefined {
  const lower = text?.toLowerCase();
  return lower === 'http' || lower === 'https' ? lower : undefined;
}

/** `1.2.3.4`, `1.2.3.4:80`, `[::1]:80` and `::1` to the bare address; `undefined` for names such as `unknown` or `_hidden`. */
function toAddress(text: string): string | undefined {
  const node = text.trim();
  if (node.startsWith('[')) {
    const end = node.indexOf(']');
    return end < 0 ? undefined : checked(node.slice(1, end));
  }
  const colon = node.indexOf(':');
  const hasPort = colon >= 0 && colon === node.lastIndexOf(':');
  return checked(hasPort ? node.slice(0, colon) : node);
}

function checked(text: string): string | undefined {
  const lower = text.toLowerCase();
  const address = lower.startsWith('::ffff:') && lower.includes('.') ? lower.slice(7) : lower;
  return address.includes('/') || parseCidr(address) === undefined ? undefined : address;
}

function readPairs(element: string): Record<string, string> {
  const pairs: Record<string, string> = Object.create(null);
  for (const part of splitPairs(element)) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const value = part.slice(equals + 1).trim();
    pairs[part.slice(0, equals).trim().toLowerCase()] = value.startsWith('"') ? unquote(value) : value;
  }
  return pairs;
}

function unquote(text: string): string {
  return text.slice(1, text.endsWith('"') ? -1 : undefined).replace(/\\(.)/g, '$1');
}

function splitPairs(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (isQuoted && char === '\\') i += 1;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === ';' && !isQuoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

export type HttpVersion = '1.0' | '1.1' | '2.0';

export interface ForwardingFacts {
  readonly chain: readonly string[];
  readonly scheme: 'http' | 'https';
  /** Empty when the client named none. */
  readonly host: string;
  /** Of HTTP, as the request came; `Via` says it (RFC 9110 §7.6.3). */
  readonly version: HttpVersion;
  /** Our own name in `Via`. */
  readonly via: string;
  /** What an earlier proxy's `Via` said. */
  readonly viaBefore: string | undefined;
}

/** The fields that tell an upstream where a request came from. */
export function toForwardingFields({ chain, scheme, host, via, viaBefore, version }: ForwardingFacts): string[] {
  const last = chain.length - 1;
  const hostPair = host === '' ? '' : `;host=${quoteHost(host)}`;
  const elements = chain.map((address, i) => `for=${toNode(address)}${i === last ? `${hostPair};proto=${scheme}` : ''}`);
  const own = `${version} ${via}`;
  const fields = ['x-forwarded-for', chain.map(toName).join(', '), 'x-forwarded-proto', scheme];
  if (host !== '') fields.push('x-forwarded-host', host);
  fields.push('forwarded', elements.join(', '), 'via', viaBefore === undefined ? own : `${viaBefore}, ${own}`);
  return fields;
}

/** A client of a socket file has no address (RFC 7239 §6.2). */
function toName(address: string): string {
  return address === '' ? 'unknown' : address;
}

/** RFC 7239 §6: an IPv6 address stands in brackets and quotes. */
function toNode(address: string): string {
  if (address === '') return 'unknown';
  return address.includes(':') ? `"[${address}]"` : address;
}

/** A host with a port is no token, so it is quoted. Hosts have been checked and hold neither quotes nor backslashes. */
function quoteHost(host: string): string {
  return /^[\w.-]+$/.test(host) ? host : `"${host}"`;
}

const forwardingNames = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-real-ip',
  'forwarded',
  'via',
  'x-request-id',
  ...clientCertificateNames,
  'gatehouse-debug',
  'gatehouse-debug-answer',
]);

/** The list without anything that says where a request came from. */
export function dropForwardingFields(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!forwardingNames.has(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}
