/** Text with references of mappings in it, for places that are text all along: a path, a parameter, a field. */
import type { z } from 'zod';
import type { MappingReference, MappingRoots, MappingText } from './mapping-node.ts';
import { type ItemNames, type MappingPath, readReference } from './mapping-reference.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const MARK = /\$\$\{|\$\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)(\}?)/g;
/** References of the configuration, which are resolved before: one that is still there was escaped. */
const OF_CONFIGURATION = /^[A-Za-z][A-Za-z0-9_-]*:/;

export interface TextContext {
  readonly roots: MappingRoots;
  readonly items: ItemNames;
  readonly at: MappingPath;
}

export function readMappingText(text: string, context: TextContext): Reading<MappingText> {
  const parts: (string | MappingReference)[] = [];
  let literal = '';
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const inside = match[1];
    if (inside === undefined || OF_CONFIGURATION.test(inside)) {
      literal += inside === undefined ? '${' : match[0];
      continue;
    }
    if (match[2] === '')
      return { problem: `${quote(text)}: \`\${\` has no closing \`}\`; write \`$\${\` for the characters themselves` };
    const reading = readReference(inside, context);
    if ('problem' in reading) return { problem: `${quote(text)}: ${reading.problem}` };
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(reading.value);
  }
  literal += text.slice(end);
  if (literal !== '') parts.push(literal);
  return { value: { source: text, parts } };
}

export interface MappingTextRules {
  readonly help: string;
  readonly roots: MappingRoots;
  readonly examples?: readonly [string, ...string[]];
  /** What must hold beyond the references; says what is wrong. */
  readonly findProblem?: (text: string) => string | undefined;
}

/** A text with references. */
export function mappingText({ help, roots, examples, findProblem }: MappingTextRules): z.ZodType<MappingText, string> {
  return textKind({
    noun: 'text',
    examples: examples ?? ['/orders/${path.id}'],
    help,
    read(text): Reading<MappingText> {
      const problem = findProblem?.(text);
      return problem === undefined ? readMappingText(text, { roots, items: [], at: [] }) : { problem };
    },
  });
}
