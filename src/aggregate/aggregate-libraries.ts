import type { Library } from '#base/library.ts';
import { expressionLibrary } from '#pipeline/expression/expression-library.ts';
import { needsPatterns, patternLibrary } from '#pipeline/expression/pattern-library.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';

/** What has to be loaded before the aggregate is compiled. */
export function listAggregateLibraries({ calls }: AggregateDefinition): Library[] {
  const expressions = calls.flatMap(({ when }) => (when?.kind === 'expression' ? [when.text] : []));
  if (expressions.length === 0) return [];
  return expressions.some(needsPatterns) ? [expressionLibrary, patternLibrary] : [expressionLibrary];
}
