/**
 * Splits TypeScript into code and everything that is not code, so that the house rules search calls and imports without
 * being fooled by comments, strings and regular expressions. A scanner, not a parser: it knows tokens and nothing of grammar.
 * It assumes source that Biome has formatted and the compiler accepts.
 */

export interface StringLiteral {
  /** Offset of the opening quote. */
  readonly start: number;
  /** Offset behind the closing quote. */
  readonly end: number;
  readonly text: string;
}

export interface SourceText {
  /** As long as the source; comments, regular expressions and the contents of strings are blanks, line ends stay. */
  readonly code: string;
  readonly strings: readonly StringLiteral[];
}

/** Behind these words a slash begins a regular expression, although behind other words it divides. */
const wordsBeforeRegex = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield|instanceof)$/;

class Scanner {
  readonly source: string;
  readonly strings: StringLiteral[] = [];
  readonly #pieces: string[] = [];
  /** The end of the code so far without blanks: enough to tell a regular expression from a division. */
  #tail = '';
  /** For each open `${`, the number of braces that are open inside it. */
  readonly #templateDepths: number[] = [];

  constructor(source: string) {
    this.source = source;
  }

  scan(): SourceText {
    let at = 0;
    while (at < this.source.length) at = this.#step(at);
    return { code: this.#pieces.join(''), strings: this.strings };
  }

  #step(at: number): number {
    const { source } = this;
    const character = source.charAt(at);
    const pair = source.slice(at, at + 2);
    if (pair === '//' || (at === 0 && pair === '#!')) return this.#blankTo(at, lineEnd(source, at));
    if (pair === '/*') return this.#blankTo(at, after(source, '*/', at + 2));
    if (character === "'" || character === '"') return this.#string(at, character);
    if (character === '`') return this.#template(at);
    if (character === '/' && this.#regexMayStart()) return this.#regex(at);
    if (character === '}' && this.#templateDepths.at(-1) === 0) {
      this.#templateDepths.pop();
      return this.#template(at);
    }
    this.#countBraces(character);
    return this.#code(at, at + 1);
  }

  #countBraces(character: string): void {
    const innermost = this.#templateDepths.length - 1;
    if (innermost < 0) return;
    if (character === '{') this.#templateDepths[innermost]! += 1;
    if (character === '}') this.#templateDepths[innermost]! -= 1;
  }

  #code(start: number, end: number): number {
    const text = this.source.slice(start, end);
    this.#pieces.push(text);
    if (text.trim() !== '') this.#tail = (this.#tail + text).slice(-16);
    else if (/\w$/.test(this.#tail)) this.#tail += ' ';
    return end;
  }

  #blankTo(start: number, end: number): number {
    this.#pieces.push(this.source.slice(start, end).replace(/[^\n]/g, ' '));
    return end;
  }

  #string(start: number, quote: string): number {
    const end = closing(this.source, quote, start + 1);
    this.strings.push({ start, end, text: this.source.slice(start + 1, end - 1) });
    this.#code(start, start + 1);
    this.#blankTo(start + 1, end - 1);
    return this.#code(end - 1, end);
  }

  /** From a back quote or the brace that ends a `${}`, to the back quote that ends the template or the next `${`. */
  #template(start: number): number {
    const { source } = this;
    this.#code(start, start + 1);
    for (let at = start + 1; at < source.length; at += 1) {
      if (source[at] === '\\') at += 1;
      else if (source[at] === '`') {
        this.#blankTo(start + 1, at);
        return this.#code(at, at + 1);
      } else if (source.startsWith('${', at)) {
        this.#templateDepths.push(0);
        this.#blankTo(start + 1, at);
        return this.#code(at, at + 2);
      }
    }
    return this.#blankTo(start + 1, source.length);
  }

  #regexMayStart(): boolean {
    const tail = this.#tail.trimEnd();
    return tail === '' || /[([{,;=:?!&|+\-*%<>~^]$/.test(tail) || wordsBeforeRegex.test(tail);
  }

  #regex(start: number): number {
    let inClass = false;
    for (let at = start + 1; at < this.source.length; at += 1) {
      const character = this.source[at];
      if (character === '\\') at += 1;
      else if (character === '[') inClass = true;
      else if (character === ']') inClass = false;
      else if (character === '\n') return this.#code(start, start + 1);
      else if (character === '/' && !inClass) return this.#wholeRegex(start, at + 1);
    }
    return this.#code(start, start + 1);
  }

  #wholeRegex(start: number, end: number): number {
    this.#code(start, start + 1);
    this.#blankTo(start + 1, end - 1);
    this.#code(end - 1, end);
    // The closing slash would read as an operator; what follows a regular expression is not one.
    this.#tail = ')';
    return end;
  }
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

function after(source: string, mark: string, from: number): number {
  const start = source.indexOf(mark, from);
  return start === -1 ? source.length : start + mark.length;
}

/** The offset behind the quote that closes a string; an unclosed one ends with its line. */
function closing(source: string, quote: string, from: number): number {
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === quote) return at + 1;
    else if (source[at] === '\n') return at;
  }
  return source.length;
}

const scanned = new Map<string, SourceText>();

/** Scans one file. The answer is kept, because every rule asks for the same files. */
export function scanSource(source: string): SourceText {
  let text = scanned.get(source);
  if (text === undefined) {
    text = new Scanner(source).scan();
    scanned.set(source, text);
  }
  return text;
}

/** The line of an offset, counted from 1. */
export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < offset; at = source.indexOf('\n', at + 1)) line += 1;
  return line;
}
