/** Ranges of addresses in CIDR notation, and single addresses. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { formatCidr } from '#base/cidr-text.ts';
import { parseCidr, parseExactCidr } from '#base/ip.ts';
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
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > lengthMax) {
    return {
      problem: `${quote(text)} has no valid prefix length; after an IPv${family} address write \`/0\` to \`/${lengthMax}\``,
    };
  }
  return { value: text };
}

/** The same, and the address is the first of its range: `10.1.2.3/8` may be a mistyped `10.1.2.3/32`. */
export function readExactCidr(text: string): Reading<string> {
  const reading = readCidr(text);
  if ('problem' in reading) return reading;
  if (parseExactCidr(text) !== undefined) return reading;
  const [range, address] = [text, text.split('/')[0]!].map((block) => formatCidr(parseCidr(block)!));
  const suggestion = `\`${range}\` for the range or \`${address}\` for the one address`;
  return { problem: `${quote(text)} has bits of its address set behind the prefix length; write ${suggestion}` };
}

const textForm = {
  noun: 'an address range',
  examples: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
  pattern: /^[0-9A-Fa-f:.]+(\/\d{1,3})?$/,
  help: 'A range of addresses in CIDR notation, or one address.',
} as const;

/** A range of addresses or one address. */
export function cidr(): z.ZodType<string, string> {
  return textKind({ ...textForm, read: readCidr });
}

/** The same without bits behind the prefix length. */
export function exactCidr(): z.ZodType<string, string> {
  return textKind({ ...textForm, read: readExactCidr });
}
