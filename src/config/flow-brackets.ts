/**
 * What stands in brackets, on one line. The parser that reads configurations wants all of it further right than the key before it, as
 * the standard does (YAML 1.2.2 §7.4), but a closing bracket right below its key is a usual way to write, and so is a tab.
 */
import { CST, Lexer } from 'yaml';
import { MARKERS } from './yaml-scalars.ts';

const SEPARATION = /^(?:[ \t\r\n]+|#.*)$/;

/** White space and comments within brackets become spaces, so that everything stays at its offset. Scalars stay as they are. */
export function joinBracketLines(text: string): string {
  const pieces: string[] = [];
  let depth = 0;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    const isScalar = isScalarNext;
    isScalarNext = token === CST.SCALAR;
    if (MARKERS.includes(token)) continue;
    if (!isScalar && (token === '{' || token === '[')) depth += 1;
    if (!isScalar && (token === '}' || token === ']')) depth -= 1;
    pieces.push(depth > 0 && !isScalar && SEPARATION.test(token) ? ' '.repeat(token.length) : token);
  }
  return pieces.join('');
}
