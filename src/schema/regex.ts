/** Regular expressions, always matched against the whole text. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** Checks an expression, or says what is wrong with it. */
export function readRegex(source: string): Reading<string> {
  if (source === '') return { problem: 'the expression is empty; it would match nothing but the empty text' };
  try {
    // Alone first: `)(` would be valid once it is wrapped.
    new RegExp(source);
    new RegExp(`^(?:${source})$`);
    return { value: source };
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(error.message.lastIndexOf('/') + 1).replace(/^\w*: /, '') : '';
    return { problem: `${quote(source)} is not a regular expression: ${reason.toLowerCase()}` };
  }
}

/** The names of a valid expression's `(?<name>…)` groups. */
export function listGroupNames(source: string): string[] {
  // An empty alternative always matches, and a match lists every group.
  return Object.keys(new RegExp(`(?:${source})|`).exec('')?.groups ?? {});
}

/** The text of a regular expression that has to match the whole of a value. */
export function regex(): z.ZodType<string, string> {
  return textKind({
    noun: 'a regular expression',
    examples: ['/orders/[0-9]+'],
    help: 'A regular expression; it has to match the whole text.',
    read: readRegex,
  });
}
