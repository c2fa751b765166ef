/** Text with references of mappings in it, for places that are text all along: a path, a parameter, a field. */
import type { z } from 'zod';
import type { MappingReference, MappingRoots, MappingText } from './mapping-node.ts';
import { type ItemNames, type MappingPath, readReference } from './mapping-reference.ts';
import { splitReferences } from './split-references.ts';
import { type Reading, textKind } from './text-kind.ts';

const MARK = /\$\$\{|\$\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)(\}?)/g;
const OF_CONFIGURATION = /^[A-Za-z][A-Za-z0-9_-]*:/;

export interface TextContext {
  readonly roots: MappingRoots;
  readonly items: ItemNames;
  readonly at: MappingPath;
}

export function readMappingText(text: string, context: TextContext): Reading<MappingText> {
  return splitReferences<MappingReference>(text, {
    mark: MARK,
    isText: (inside) => OF_CONFIGURATION.test(inside),
    read: (inside) => readReference(inside, context),
  });
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
