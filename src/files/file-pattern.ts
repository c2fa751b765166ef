/** Patterns of files, such as `*.html` and `assets/**`, by which their answers differ. */

const SPECIAL = /[.+?^${}()|[\]\\]/g;

/** `*` stands for any part of one name, `**` for any part of a path. Without a slash, the pattern is about the name alone, in every folder. */
export function compileFilePattern(pattern: string): RegExp {
  const inside = pattern.replace(SPECIAL, '\\$&').replaceAll(/\*+/g, (stars) => (stars.length === 1 ? '[^/]*' : '.*'));
  return new RegExp(pattern.includes('/') ? `^${inside}$` : `^(?:.*/)?${inside}$`, 's');
}
