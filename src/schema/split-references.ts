/** Splits a text with `${…}` in it into literal text and what stands for something. `$${` is a literal `${`. */
import { quote } from './quote.ts';
import type { Reading } from './text-kind.ts';

export interface ReferenceSyntax<Part> {
  /** Finds `$${`, or `${` with what stands inside as its first group and the closing brace, or nothing, as its second. */
  readonly mark: RegExp;
  /** References of the configuration are resolved before: one that is still there was escaped, and is text. */
  isText(inside: string): boolean;
  read(inside: string): Reading<Part>;
}

export interface SplitText<Part> {
  readonly source: string;
  /** A text never follows a text. Empty for the empty text. */
  readonly parts: readonly (string | Part)[];
}

export function splitReferences<Part>(text: string, syntax: ReferenceSyntax<Part>): Reading<SplitText<Part>> {
  const parts: (string | Part)[] = [];
  let literal = '';
  let end = 0;
  for (const match of text.matchAll(syntax.mark)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const inside = match[1];
    if (inside === undefined || syntax.isText(inside)) {
      literal += inside === undefined ? '${' : match[0];
      continue;
    }
    if (match[2] === '')
      return { problem: `${quote(text)}: \`\${\` has no closing \`}\`; write \`$\${\` for the characters themselves` };
    const reading = syntax.read(inside);
    if ('problem' in reading) return { problem: `${quote(text)}: ${reading.problem}` };
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(reading.value);
  }
  literal += text.slice(end);
  if (literal !== '') parts.push(literal);
  return { value: { source: text, parts } };
}
