/** Ranges of addresses in CIDR notation, and single addresses. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** Checks `10.0.0.0/8`, `2001:db8::/32` or a single address. The text stays as it is. */
export function readCidr(text: string): Reading<string> {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIP(address);
  if (family === 0 || address.includes('%')) {
    return { problem: `${quote(text)} is not an address or range; write \`10.0.0.0/8\`, \`2001:db8::/32\` or \`192.0.2.7\`` };
  }
  if (slash < 0) return { value: text };
  const length = text.slice(slash + 1);
  const lengthMax = family === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(length) || Number(length) > lengthMax) {
    return {
      problem: `${quote(text)} has no valid prefix length; after an IPv${family} address write \`/0\` to \`/${lengthMax}\``,
    };
  }
  return { value: text };
}

/** A range of addresses or one address. */
export function cidr(): z.ZodType<string, string> {
  return textKind({
    noun: 'an address range',
    examples: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
    pattern: /^[0-9A-Fa-f:.]+(\/\d{1,3})?$/,
    help: 'A range of addresses in CIDR notation, or one address.',
    read: readCidr,
  });
}
