/** Names that a configuration gives to its listeners, services, routes and captures. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
/** Names become labels of metrics and fields of log lines. */
const NAME_LENGTH_MAX = 100;

/** Reads a name: letters, digits, and dots, hyphens and underscores between them. */
function readName(text: string): Reading<string> {
  if (text.length > NAME_LENGTH_MAX)
    return { problem: `the name ${quote(text)} is too long; at most ${NAME_LENGTH_MAX} characters` };
  if (!NAME.test(text)) {
    return {
      problem: `${quote(text)} is not a name; use letters, digits, \`-\`, \`_\` and \`.\`, beginning and ending with a letter or digit`,
    };
  }
  return { value: text };
}

/** The name of a listener, service or route. */
export function entryName(): z.ZodType<string, string> {
  return textKind({ noun: 'a name', examples: ['orders'], pattern: NAME, help: 'A name of your choice.', read: readName });
}
