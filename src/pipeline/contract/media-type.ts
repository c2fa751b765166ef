/** Media types in lower case without parameters, and the ranges of a document that take them. */
import type { MediaRule } from './contract.ts';

const TYPE = /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/;

/** `undefined`: it is none. */
export function readMediaType(value: string): string | undefined {
  const semicolon = value.indexOf(';');
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  return TYPE.test(type) ? type : undefined;
}

/** RFC 9110 §8.3.1; also where it stands in the text of another parameter, which some readers do not tell apart. */
const CHARSET = /;\s*charset\*?\s*=\s*([^;]*)/gi;
const UTF_8 = /^\s*("?)(?:utf-8|utf8|us-ascii)\1\s*$/i;

/** Whether the bytes mean to all readers what they mean in UTF-8: whoever goes by another charset reads other values than those that were looked at. */
export function isInUtf8(contentType: string): boolean {
  for (const [, charset = ''] of contentType.matchAll(CHARSET)) if (!UTF_8.test(charset)) return false;
  return true;
}

export function isJsonType(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json') || type === 'text/json';
}

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
