/** Compiles a regular expression that must match the whole text. A text that must be checked beforehand is checked the same way. */
export function compileAnchoredRegex(source: string): RegExp {
  return new RegExp(`^(?:${source})$`);
}

/** The named groups of a regular expression, in order of first appearance. */
export function groupNames(source: string): string[] {
  // An alternative that is empty makes the expression match, and a match lists all groups.
  const match = new RegExp(`(?:${source})|`).exec('');
  return Object.keys(match?.groups ?? {});
}
