/** Host names and patterns of them as kinds of values. */
import type { z } from 'zod';
import { type HostPattern, isHostName, readHostPattern, toAsciiName } from './host-pattern.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** A host name, or `*.` and the names below one. */
export function hostPattern(): z.ZodType<HostPattern, string> {
  return textKind({
    noun: 'a host',
    examples: ['shop.example.com', '*.example.com'],
    help: 'A host name without a port; `*.example.com` is every name below `example.com`.',
    read: readHostPattern,
  });
}

/** One host name. */
export function hostName(help: string): z.ZodType<string, string> {
  return textKind({
    noun: 'a host name',
    examples: ['orders.internal'],
    help,
    read(text): Reading<string> {
      const name = toAsciiName(text);
      return isHostName(name)
        ? { value: name }
        : { problem: `${quote(text)} is not a host name; write a name such as \`orders.internal\`` };
    },
  });
}
