/** Where a syslog server is: over TCP, TLS or UDP, or at a Unix socket of this machine. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { readUnixPath } from './address.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export type SyslogUrl =
  | { readonly transport: 'tcp' | 'tls' | 'udp'; readonly host: string; readonly port: number }
  /** A stream socket. */
  | { readonly transport: 'unix'; readonly path: string };

/** RFC 6587 names none for TCP; 601 is that of RFC 3195, which servers use. RFC 5425 §4.1, RFC 5426 §3.3. */
const PORTS = { tcp: 601, tls: 6514, udp: 514 } as const;
const URL_PATTERN = /^(tcp|tls|udp):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/;

/** What others call Unix sockets that take datagrams, and such sockets that are never anything else. */
const DATAGRAM_SOCKET = /^unix[-+]?d?gram:|^unix:\/*run\/systemd\/journal\//;

function readSyslogUrl(text: string): Reading<SyslogUrl> {
  if (DATAGRAM_SOCKET.test(text)) return { problem: explainDatagramSocket(text) };
  if (text.startsWith('unix:')) {
    const reading = readUnixPath(text.slice('unix:'.length));
    return 'problem' in reading ? reading : { value: { transport: 'unix', path: reading.value.path } };
  }
  const [, scheme, written, port] = URL_PATTERN.exec(text) ?? [];
  if (scheme === undefined || written === undefined) return { problem: explain(text) };
  const transport = scheme as keyof typeof PORTS;
  const host = written.replace(/^\[|\]$/g, '');
  if (written.startsWith('[') && isIP(host) !== 6) return { problem: explain(text) };
  const number = port === undefined ? PORTS[transport] : Number(port);
  if (number < 1 || number > 65_535) return { problem: `${quote(text)}: a port is a number from 1 to 65535` };
  return { value: { transport, host, port: number } };
}

/** The address of a syslog server. */
export function syslogUrl(help: string): z.ZodType<SyslogUrl, string> {
  return textKind({
    noun: 'the address of a syslog server',
    examples: ['tcp://logs.example.com:601', 'udp://10.0.0.5:514', 'tls://logs.example.com:6514', 'unix:/run/syslog.sock'],
    pattern: /^(?:tcp|tls|udp|unix):/,
    help,
    read: readSyslogUrl,
  });
}

function explain(text: string): string {
  return `${quote(text)} is no address of a syslog server; write one such as \`tcp://logs.example.com:601\`, \`tls://…\`, \`udp://…\` or \`unix:/run/syslog.sock\``;
}

function explainDatagramSocket(text: string): string {
  return `${quote(text)} is a Unix socket that takes datagrams, which Node.js cannot send; write \`udp://…\`, or \`unix:PATH\` of a stream socket`;
}
