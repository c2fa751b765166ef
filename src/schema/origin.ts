/** Origins of browsers (RFC 6454 §6.2): scheme, host and port, as a browser writes them. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const ORIGIN =
  /^([a-z][a-z0-9+.-]{0,30}):\/\/(\*\.)?([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const PORT_MAX = 65_535;

/** `https://app.example.com`, or `https://*.example.com` for every name below. */
export function originPattern(): z.ZodType<string, string> {
  return textKind({
    noun: 'an origin',
    examples: ['https://app.example.com', 'https://*.example.com'],
    help: 'Scheme, host and port of a page, such as `https://app.example.com`; `https://*.example.com` for every name below that one.',
    read: readOriginPattern,
  });
}

export function readOriginPattern(text: string): Reading<string> {
  if (text === 'null')
    return { problem: '`null` is the origin of every sandboxed page and local file: anybody could make one; name origins' };
  const lower = text.toLowerCase();
  const match = ORIGIN.exec(lower);
  if (match === null) return { problem: explain(text, lower) };
  const [, scheme = '', star, host = '', port] = match;
  if (host.includes('..')) return { problem: explain(text, lower) };
  if (star !== undefined && !host.includes('.'))
    return { problem: `${quote(text)} would be every name below a top-level domain; write at least \`*.example.com\`` };
  if (port !== undefined && Number(port) > PORT_MAX) return { problem: `${quote(text)}: there is no port ${port}` };
  if (port !== undefined && port === DEFAULT_PORTS[scheme])
    return {
      problem: `${quote(text)}: browsers leave the port of \`${scheme}\` away; write ${quote(lower.slice(0, -port.length - 1))}`,
    };
  return { value: lower };
}

function explain(text: string, lower: string): string {
  const origin = /^[a-z]+:\/\/[^/]+(?=\/)/.exec(lower)?.[0];
  if (origin !== undefined) return `${quote(text)}: an origin has no path; write ${quote(origin)}`;
  return `${quote(text)} is not an origin; write one such as \`https://app.example.com\``;
}
