/** Where one endpoint of a service is reached: a scheme with a host and port, or with a Unix socket. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { readPort, readUnixPath } from './address.ts';
import { isHostName } from './host-pattern.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export interface EndpointUrl {
  readonly scheme: 'http' | 'https';
  /** A name or an IP address without brackets; `localhost` for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** The file of a Unix socket, when there is one; `host` and `port` are then not used to connect. */
  readonly path: string | undefined;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const URL_PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([/?#].*)?$/;

/** Reads `http://host:port`, `https://host`, `http+unix:///path`, `https+unix:///path` and `unix:/path`. */
export function readEndpointUrl(text: string): Reading<EndpointUrl> {
  const parts = URL_PARTS.exec(text);
  if (text.startsWith('unix:') && parts === null) return readUnixEndpoint('http', text.slice('unix:'.length));
  if (parts === null) return { problem: `${quote(text)} is not a URL; write \`http://${suggestAuthority(text)}\`` };
  const scheme = parts[1]!.toLowerCase();
  const authority = parts[2]!;
  const rest = parts[3] ?? '';
  if (scheme === 'http+unix' || scheme === 'https+unix' || scheme === 'unix') {
    if (authority !== '')
      return {
        problem: `${quote(text)}: write three slashes before the path of the socket, \`http+unix:///${authority}${rest}\``,
      };
    return readUnixEndpoint(scheme === 'https+unix' ? 'https' : 'http', rest);
  }
  if (scheme !== 'http' && scheme !== 'https') {
    return {
      problem: `${quote(text)}: the scheme ${quote(scheme)} is not supported; write \`http\`, \`https\`, \`http+unix\` or \`https+unix\``,
    };
  }
  if (rest !== '' && rest !== '/') {
    return {
      problem: `${quote(text)}: an endpoint has no path, query or fragment; leave out ${quote(rest)} (the \`rewrite\` policy changes paths)`,
    };
  }
  return readAuthority(text, scheme, authority);
}

function readAuthority(text: string, scheme: 'http' | 'https', authority: string): Reading<EndpointUrl> {
  if (authority.includes('@'))
    return { problem: 'an endpoint has no user name and password; set an `authorization` field with the `headers` policy' };
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority);
  if (match === null) return { problem: `${quote(text)}: an IPv6 address goes in brackets, such as \`http://[::1]:3000\`` };
  const written = match[1]!;
  const host = written.startsWith('[') ? written.slice(1, -1) : written.toLowerCase();
  const isValidHost = written.startsWith('[') ? isIP(host) === 6 : isIP(host) === 4 || isHostName(host);
  if (!isValidHost) return { problem: `${quote(text)}: ${quote(written)} is not a host name or an IP address` };
  const port = match[2] === undefined ? DEFAULT_PORTS[scheme] : readPort(match[2]);
  if (port === undefined || port === 0)
    return { problem: `${quote(text)}: ${quote(match[2] ?? '')} is not a port; write a number from 1 to 65535` };
  return { value: { scheme, host, port, path: undefined } };
}

function readUnixEndpoint(scheme: 'http' | 'https', path: string): Reading<EndpointUrl> {
  const reading = readUnixPath(path);
  if ('problem' in reading) return reading;
  return { value: { scheme, host: 'localhost', port: DEFAULT_PORTS[scheme], path: reading.value.path } };
}

/** `catalogue:8080` is nearly right; anything odder gets the textbook form. */
function suggestAuthority(text: string): string {
  return /^[A-Za-z0-9.-]+(:\d+)?$/.test(text) ? text : 'host:port';
}

/** The URL of an endpoint. */
export function endpointUrl(): z.ZodType<EndpointUrl, string> {
  return textKind({
    noun: 'the URL of an endpoint',
    examples: ['http://orders:3000', 'https://10.0.0.12', 'http+unix:///run/orders.sock'],
    pattern: /^([Hh][Tt][Tt][Pp][Ss]?(\+unix)?:\/\/.+|unix:.+)$/,
    help: 'The URL of an endpoint: scheme, host and port, or the path of a Unix socket. No path, query or user name.',
    read: readEndpointUrl,
  });
}
