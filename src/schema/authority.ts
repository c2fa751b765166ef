/** A host with or without a port, as it stands in `host` fields. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { readPort } from './address.ts';
import { isHostName } from './host-pattern.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** Reads `orders.internal`, `orders.internal:8080` or `[::1]:8080`. */
export function readAuthority(text: string): Reading<string> {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text);
  const host = match?.[1] ?? '';
  const isValid = host.startsWith('[') ? isIP(host.slice(1, -1)) === 6 : isIP(host) === 4 || isHostName(host.toLowerCase());
  const isPortValid = match?.[2] === undefined || (readPort(match[2]) ?? 0) > 0;
  if (isValid && isPortValid) return { value: text.toLowerCase() };
  return {
    problem: `${quote(text)} is not a host; write a name and, if needed, a port, such as \`orders.internal\` or \`orders.internal:8080\``,
  };
}

/** A host with or without a port. */
export function authority(): z.ZodType<string, string> {
  return textKind({
    noun: 'a host',
    examples: ['orders.internal', 'orders.internal:8080'],
    help: 'A host name or IP address, with a port if needed.',
    read: readAuthority,
  });
}
