/** Where a listener listens: a TCP address and port, or a Unix socket. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export interface TcpAddress {
  /** An IP address or `localhost`, without brackets. `::` is every address of the machine, IPv4 and IPv6. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface UnixAddress {
  /** The socket's file. */
  readonly path: string;
}

export type ListenAddress = TcpAddress | UnixAddress;

/** A socket on `::` takes IPv4 clients too. */
const EVERY_ADDRESS = '::';
const EXAMPLES = '`0.0.0.0:8080`, `[::]:8080`, `:8080` or `unix:/run/gatehouse.sock`';
/** What the kernel takes, terminator included (`sun_path` of Linux; some systems take 104). */
const UNIX_PATH_BYTES_MAX = 108;

/** Reads `0.0.0.0:8080`, `[::]:8080`, `:8080` and `unix:/path`. */
export function readAddress(text: string): Reading<ListenAddress> {
  if (text.startsWith('unix:')) return readUnixPath(text.slice('unix:'.length));
  const colon = text.lastIndexOf(':');
  if (colon < 0) {
    const isPort = /^\d+$/.test(text);
    return {
      problem: `${quote(text)} has no ${isPort ? 'colon' : 'port'}; write \`${isPort ? '' : text}:${isPort ? text : '8080'}\``,
    };
  }
  const port = readPort(text.slice(colon + 1));
  if (port === undefined)
    return { problem: `${quote(text)} has no valid port; after the last colon write a number from 0 to 65535` };
  const host = text.slice(0, colon);
  if (host === '') return { value: { host: EVERY_ADDRESS, port } };
  if (host.startsWith('[') && host.endsWith(']') && isIP(host.slice(1, -1)) === 6)
    return { value: { host: host.slice(1, -1), port } };
  if (isIP(host) === 4 || host === 'localhost') return { value: { host, port } };
  if (host.includes(':')) return { problem: `${quote(text)}: an IPv6 address goes in brackets, such as \`[::]:8080\`` };
  return { problem: `${quote(text)}: a listener needs an IP address, not the name ${quote(host)}; write ${EXAMPLES}` };
}

/** Reads the path of a Unix socket: absolute, and short enough for the kernel. */
export function readUnixPath(path: string): Reading<UnixAddress> {
  if (!path.startsWith('/'))
    return { problem: `the path of a Unix socket must be absolute, such as \`unix:/run/gatehouse.sock\`, not ${quote(path)}` };
  if (Buffer.byteLength(path) >= UNIX_PATH_BYTES_MAX) {
    return {
      problem: `the path of a Unix socket may have at most ${UNIX_PATH_BYTES_MAX - 1} bytes, not ${Buffer.byteLength(path)}`,
    };
  }
  return { value: { path } };
}

/** A port from 0 to 65535. */
export function readPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** An address to listen on. */
export function address(): z.ZodType<ListenAddress, string> {
  return textKind({
    noun: 'an address',
    examples: ['0.0.0.0:8080', '[::]:8080', ':8080', 'unix:/run/gatehouse.sock'],
    pattern: /^(unix:\/.+|.*:\d{1,5})$/,
    help: 'Where to listen: an IP address and a port, a port alone (every address), or `unix:` and the path of a socket.',
    read: readAddress,
  });
}
