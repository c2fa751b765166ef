/** Where one endpoint of a service is reached: a scheme with a host and port, or with a Unix socket. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { readPort, readUnixPath } from './address.ts';
import { isHostName } from './host-pattern.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** `tcp` and `tls` carry bytes that the gateway does not read. */
export type EndpointScheme = 'http' | 'https' | 'tcp' | 'tls';

export interface EndpointUrl {
  readonly scheme: EndpointScheme;
  /** A name or an IP address without brackets; `localhost` for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** The file of a Unix socket, when there is one; `host` and `port` are then not used to connect. */
  readonly path: string | undefined;
}

/** Bytes have no usual port. */
const DEFAULT_PORTS: Readonly<Record<EndpointScheme, number | undefined>> = {
  http: 80,
  https: 443,
  tcp: undefined,
  tls: undefined,
};
const UNIX_SCHEMES: Readonly<Record<string, EndpointScheme>> = {
  unix: 'http',
  'http+unix': 'http',
  'https+unix': 'https',
  'tcp+unix': 'tcp',
  'tls+unix': 'tls',
};
const URL_PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([/?#].*)?$/;

/** Reads `http://host:port`, `https://host`, `tcp://host:port`, `tls://host:port`, `http+unix:///path` and `unix:/path`. */
export function readEndpointUrl(text: string): Reading<EndpointUrl> {
  const parts = URL_PARTS.exec(text);
  if (text.startsWith('unix:') && parts === null) return readUnixEndpoint('http', text.slice('unix:'.length));
  if (parts === null) return { problem: `${quote(text)} is not a URL; write \`http://${suggestAuthority(text)}\`` };
  const scheme = parts[1]!.toLowerCase();
  const authority = parts[2]!;
  const rest = parts[3] ?? '';
  const unixScheme = Object.hasOwn(UNIX_SCHEMES, scheme) ? UNIX_SCHEMES[scheme] : undefined;
  if (unixScheme !== undefined) {
    if (authority !== '')
      return {
        problem: `${quote(text)}: write three slashes before the path of the socket, \`${unixScheme}+unix:///${authority}${rest}\``,
      };
    return readUnixEndpoint(unixScheme, rest);
  }
  if (!isEndpointScheme(scheme)) {
    return {
      problem: `${quote(text)}: the scheme ${quote(scheme)} is not supported; write \`http\`, \`https\`, \`tcp\` or \`tls\`, or \`http+unix\` for the path of a socket`,
    };
  }
  if (rest !== '' && rest !== '/') {
    return {
      problem: `${quote(text)}: an endpoint has no path, query or fragment; leave out ${quote(rest)} (the \`rewrite\` policy changes paths)`,
    };
  }
  return readAuthority(text, scheme, authority);
}

function isEndpointScheme(scheme: string): scheme is EndpointScheme {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

function readAuthority(text: string, scheme: EndpointScheme, authority: string): Reading<EndpointUrl> {
  if (authority.includes('@'))
    return { problem: 'an endpoint has no user name and password; set an `authorization` field with the `headers` policy' };
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority);
  if (match === null) return { problem: `${quote(text)}: an IPv6 address goes in brackets, such as \`http://[::1]:3000\`` };
  const written = match[1]!;
  const host = written.startsWith('[') ? written.slice(1, -1) : written.toLowerCase();
  const isValidHost = written.startsWith('[') ? isIP(host) === 6 : isIP(host) === 4 || isHostName(host);
  if (!isValidHost) return { problem: `${quote(text)}: ${quote(written)} is not a host name or an IP address` };
  const port = match[2] === undefined ? DEFAULT_PORTS[scheme] : readPort(match[2]);
  if (match[2] === undefined && port === undefined)
    return { problem: `${quote(text)}: \`${scheme}\` has no usual port; write one, such as \`${scheme}://${written}:5432\`` };
  if (port === undefined || port === 0)
    return { problem: `${quote(text)}: ${quote(match[2] ?? '')} is not a port; write a number from 1 to 65535` };
  return { value: { scheme, host, port, path: undefined } };
}

function readUnixEndpoint(scheme: EndpointScheme, path: string): Reading<EndpointUrl> {
  const reading = readUnixPath(path);
  if ('problem' in reading) return reading;
  return { value: { scheme, host: 'localhost', port: DEFAULT_PORTS[scheme] ?? 0, path: reading.value.path } };
}

/** `catalogue:8080` is nearly right; anything odder gets the textbook form. */
function suggestAuthority(text: string): string {
  return /^[A-Za-z0-9.-]+(:\d+)?$/.test(text) ? text : 'host:port';
}

/** The URL of an endpoint. */
export function endpointUrl(): z.ZodType<EndpointUrl, string> {
  return textKind({
    noun: 'the URL of an endpoint',
    examples: ['http://orders:3000', 'https://10.0.0.12', 'http+unix:///run/orders.sock', 'tcp://postgres:5432'],
    pattern: /^(([Hh][Tt][Tt][Pp][Ss]?|[Tt][Cc][Pp]|[Tt][Ll][Ss])(\+unix)?:\/\/.+|unix:.+)$/,
    help: 'The URL of an endpoint: scheme, host and port, or the path of a Unix socket. No path, query or user name. `tcp` and `tls` are for listeners that pass bytes on.',
    read: readEndpointUrl,
  });
}
