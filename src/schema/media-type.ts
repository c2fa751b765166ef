/** Types of content (RFC 9110 §8.3.1), one or several at once. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const WORD = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*';
const MEDIA_TYPE = new RegExp(`^(?:${WORD}/(?:${WORD}|\\*)|\\+[A-Za-z0-9.-]+)$`);
const MEDIA_TYPE_LENGTH_MAX = 255;

/** `text/html`, `text/*`, or `+json` for every type that ends so (RFC 6838 §4.2.8). In lower case afterwards. */
export function mediaTypePattern(): z.ZodType<string, string> {
  return textKind({
    noun: 'a type of content',
    examples: ['text/html', 'text/*', '+json'],
    pattern: MEDIA_TYPE,
    help: 'A type of content, `TYPE/*` for all of a kind, or `+SUFFIX` for all that end so; case does not matter.',
    read: (text): Reading<string> =>
      text.length <= MEDIA_TYPE_LENGTH_MAX && MEDIA_TYPE.test(text)
        ? { value: text.toLowerCase() }
        : { problem: `${quote(text)} is not a type of content; write \`text/html\`, \`text/*\` or \`+json\`` },
  });
}
