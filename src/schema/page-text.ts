/** Text of a page with variables of an error in it. Files are read where pages are made, so nothing of zod is here. */

export const PAGE_VARIABLES = [
  'error.status',
  'error.title',
  'error.detail',
  'error.code',
  'requestId',
  'host',
  'method',
  'path',
] as const;

export type PageVariable = (typeof PAGE_VARIABLES)[number];

export interface PageText {
  /** Literal text, and variables as lists of their name. */
  readonly parts: readonly (string | readonly [PageVariable])[];
  /** What looks like a variable and is none. It stays as it is: pages have scripts with such texts. */
  readonly unknown: readonly string[];
}

const MARK = /\$\$\{|\$\{([^{}\n]*)\}/g;

export function readPageText(text: string): PageText {
  const parts: (string | readonly [PageVariable])[] = [];
  const unknown: string[] = [];
  let literal = '';
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const variable = PAGE_VARIABLES.find((name) => name === match[1]);
    if (variable === undefined) {
      literal += match[1] === undefined ? '${' : match[0];
      if (match[1] !== undefined) unknown.push(match[1]);
      continue;
    }
    parts.push(literal, [variable]);
    literal = '';
  }
  parts.push(literal + text.slice(end));
  return { parts, unknown };
}
