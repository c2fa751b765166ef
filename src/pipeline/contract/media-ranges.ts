/** The ranges of media types of a document, and which of them take a type. */
import type { MediaRule } from './contract.ts';

/** The most specific range that takes the type. */
export function findMedia<Rule extends Pick<MediaRule, 'range'>>(rules: readonly Rule[], type: string): Rule | undefined {
  let found: Rule | undefined;
  for (const rule of rules) {
    if (takes(rule.range, type) && (found === undefined || rankOf(rule.range) > rankOf(found.range))) found = rule;
  }
  return found;
}

function takes(range: string, type: string): boolean {
  if (range === type || range === '*/*') return true;
  if (range.endsWith('/*')) return type.startsWith(range.slice(0, -1));
  // `application/*+json`, which stands for every type with that suffix.
  const star = range.indexOf('/*+');
  return star > 0 && type.startsWith(range.slice(0, star + 1)) && type.endsWith(range.slice(star + 2));
}

function rankOf(range: string): number {
  if (range === '*/*') return 0;
  if (range.endsWith('/*')) return 1;
  return range.includes('*') ? 2 : 3;
}
