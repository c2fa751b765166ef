/** One scope of OAuth 2.0: what a token allows. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** RFC 6749 §3.3. Scopes are named in answers, between quotes, and joined with spaces. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const LENGTH_MAX = 256;

export function scope(): z.ZodType<string, string> {
  return textKind({
    noun: 'a scope',
    examples: ['orders:write'],
    pattern: SCOPE,
    help: 'A scope of tokens.',
    read: (text): Reading<string> =>
      SCOPE.test(text) && text.length <= LENGTH_MAX
        ? { value: text }
        : { problem: `${quote(text)} is not a scope; write one without spaces and quotes, such as \`orders:write\`` },
  });
}
