import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const LENGTH_MAX = 2_048;
/** RFC 9110 §4.2.3 and RFC 3986 §3.3: what a path and a query may hold as they are sent. */
const TARGET = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*$/;

/** The path, with or without a query, of requests that the gateway makes itself. */
export function callTarget(): z.ZodType<string, string> {
  return textKind({
    noun: 'a path',
    examples: ['/verify', '/v1/data/shop/allow'],
    pattern: TARGET,
    help: 'A path that begins with `/`, with a query if there is one.',
    read: (text): Reading<string> =>
      TARGET.test(text) && text.length <= LENGTH_MAX
        ? { value: text }
        : { problem: `${quote(text)} is not a path as requests hold them; write one such as \`/verify\`` },
  });
}
