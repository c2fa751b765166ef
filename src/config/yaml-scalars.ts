/** The scalars of a YAML text and where they stand, without a tree of the whole: a long text is gone through in steps. */
import { CST, Lexer } from 'yaml';

const TOKENS_PER_STEP = 2_000;
/** Tokens of the lexer that stand for no characters of the text. */
export const MARKERS: readonly string[] = [CST.DOCUMENT, CST.FLOW_END, CST.SCALAR];

/** Replaces scalars; everything else stays as it is. `replace` is given the value, the white space of several lines as one space. */
export function* replaceScalars(
  text: string,
  replace: (value: string) => string | undefined,
): Generator<undefined, string, void> {
  const pieces: string[] = [];
  let isScalarNext = false;
  /** Of a block of lines: what stands before them belongs to it. */
  let header: string | undefined;
  let count = 0;
  for (const token of new Lexer().lex(text)) {
    count += 1;
    if (count % TOKENS_PER_STEP === 0) yield;
    if (MARKERS.includes(token)) {
      isScalarNext = token === CST.SCALAR;
      continue;
    }
    if (isScalarNext) {
      const replacement = replace(toOneLine(token));
      // A block of lines ends with the end of its last one.
      if (replacement === undefined) pieces.push(header ?? '', token);
      else pieces.push(replacement, header !== undefined && token.endsWith('\n') ? '\n' : '');
      isScalarNext = false;
      header = undefined;
    } else if (header !== undefined) {
      header += token;
    } else if (/^[|>][-+0-9]*$/.test(token)) {
      header = token;
    } else {
      pieces.push((isQuoted(token) ? replace(toOneLine(readQuoted(token))) : undefined) ?? token);
    }
  }
  return pieces.join('') + (header ?? '');
}

/** As values of several lines are compared: however they are folded and indented. */
export function toOneLine(text: string): string {
  return text.includes('\n') ? text.replaceAll(/\s*\n\s*/g, ' ').trim() : text;
}

function isQuoted(token: string): boolean {
  return token.length > 1 && (token.startsWith('"') || token.startsWith("'"));
}

function readQuoted(source: string): string {
  const type = source.startsWith('"') ? 'double-quoted-scalar' : 'single-quoted-scalar';
  return CST.resolveAsScalar({ type, offset: 0, indent: 0, source }, false)?.value ?? source;
}
