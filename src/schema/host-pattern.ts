/** Host names, and the patterns of host names that a route can ask for. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { quote } from './quote.ts';
import type { Reading } from './text-kind.ts';

export interface HostPattern {
  /** In lower case, international names in their ASCII form. */
  readonly source: string;
  /** `*.example.com`: every name below `example.com`, and not that name itself. */
  readonly isWildcard: boolean;
  /** What a host has to equal, or, for a wildcard, to end with: `.example.com`. */
  readonly name: string;
}

// RFC 1123 §2.1, and the underscore that service names in containers often carry.
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const NAME_LENGTH_MAX = 253;

/** Tells a name of dot-separated labels, in lower case. */
export function isHostName(name: string): boolean {
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.');
  // A last label of digits alone is an IPv4 address with a mistake in it, never a name (RFC 1123 §2.1).
  if (/^\d+$/.test(labels.at(-1) ?? '')) return false;
  return name.length <= NAME_LENGTH_MAX && labels.every((label) => LABEL.test(label));
}

/** Reads `shop.example.com`, `*.example.com` or an IP address. */
export function readHostPattern(text: string): Reading<HostPattern> {
  if (text === '*') return { problem: 'leave `host` out to match every host' };
  if (text.includes('://') || text.includes('/'))
    return { problem: `${quote(text)}: write the host name alone, such as \`shop.example.com\`` };
  if (/^(?:\[.*\]|[^:[\]]+):\d+$/.test(text)) {
    return {
      problem: `${quote(text)}: a host has no port here; write ${quote(text.slice(0, text.lastIndexOf(':')))} (\`listener\` narrows a route to a port)`,
    };
  }
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIP(bare) === 6)
    return { value: { source: `[${bare.toLowerCase()}]`, isWildcard: false, name: `[${bare.toLowerCase()}]` } };
  const isWildcard = text.startsWith('*.');
  const name = toAsciiName(isWildcard ? text.slice(2) : text);
  if (name.includes('*'))
    return { problem: `${quote(text)}: \`*\` may only be the whole first label, such as \`*.example.com\`` };
  if (!isHostName(name) && (isWildcard || isIP(name) !== 4))
    return { problem: `${quote(text)} is not a host name; write \`shop.example.com\` or \`*.example.com\`` };
  return { value: isWildcard ? { source: `*.${name}`, isWildcard, name: `.${name}` } : { source: name, isWildcard, name } };
}

/** Lower case, and without the root's dot. Names that cannot be converted stay as they are and are refused afterwards. */
export function toAsciiName(name: string): string {
  const relative = name.endsWith('.') ? name.slice(0, -1) : name;
  // Only what is not ASCII is converted: the conversion would refuse underscores and read `1` as an address.
  return /^[\x00-\x7f]*$/.test(relative) ? relative.toLowerCase() : domainToASCII(relative) || relative;
}
