/** Patterns of schemas, which are written for JavaScript, as RE2 matches them: in time that grows with the text and no faster. */
import { patternLibrary } from '../expression/pattern-library.ts';

/** `isPattern`: JavaScript can match it. */
export type PatternReading = { readonly value: string } | { readonly problem: string; readonly isPattern: boolean };

/** Of a pattern that is refused, its beginning says enough. */
const SHOWN_LENGTH_MAX = 80;

export function toLinearPattern(pattern: string): PatternReading {
  const shown = pattern.length > SHOWN_LENGTH_MAX ? `${pattern.slice(0, SHOWN_LENGTH_MAX)}…` : pattern;
  const translated = translate(pattern);
  try {
    patternLibrary.module.compile(translated);
    return { value: translated };
  } catch {
    if (!isRegex(pattern)) return { problem: `\`${shown}\` is not a regular expression`, isPattern: false };
    const problem = `\`${shown}\` cannot be matched in linear time, as look-arounds, back references and long repetitions cannot; write it another way, or have such patterns skipped with \`patterns: skip\``;
    return { problem, isPattern: true };
  }
}

/** What both know under other names. */
function translate(pattern: string): string {
  return pattern.replaceAll(/\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|([\s\S]))/g, (whole, four, braced) => {
    const digits: string | undefined = four ?? braced;
    return digits === undefined ? whole : `\\x{${digits}}`;
  });
}

function isRegex(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}
