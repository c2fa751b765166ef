/**
 * Reads JSON in whatever pieces it comes, and remembers where its values are instead of making them: what passes a gateway is to
 * leave it byte for byte as it came, numbers beyond 2^53 and repeated names included. The bytes are somebody else's: what is read
 * here is strict (RFC 8259, UTF-8), and depth and number of values are limited.
 */
import { limits } from '#base/limits.ts';

export type JsonFaultReason = 'syntax' | 'utf8' | 'too-deep' | 'too-many-values' | 'truncated' | 'empty';

export interface JsonFault {
  readonly reason: JsonFaultReason;
  /** How many bytes were right before it. */
  readonly atByte: number;
}

export interface JsonReaderOptions {
  /** Whether it is remembered where values are. Who only wants to know that it is JSON does without. */
  readonly index: boolean;
  readonly depthMax?: number | undefined;
  /** Names count too. */
  readonly valuesMax?: number | undefined;
}

/**
 * Where the values are, names included, in the order in which they begin: `start`, `end` and a third number for each. Of a value
 * it is the entry behind it and all that is inside of it; of a name it is 1 when it has escapes.
 */
export type JsonIndex = readonly number[];
export const INDEX_ENTRY_LENGTH = 3;

const State = {
  value: 0,
  /** Behind `[`. */
  valueOrEnd: 1,
  /** Behind a comma in an object. */
  name: 2,
  /** Behind `{`. */
  nameOrEnd: 3,
  colon: 4,
  /** Behind a value. */
  after: 5,
  string: 6,
  escape: 7,
  /** In the four digits of `\u`. */
  unicode: 8,
  /** In a character of several bytes. */
  utf8: 9,
  literal: 10,
  /** Behind `-`. */
  minus: 11,
  zero: 12,
  integer: 13,
  /** Behind the dot. */
  dot: 14,
  fraction: 15,
  /** Behind `e`. */
  exponent: 16,
  exponentSign: 17,
  exponentDigits: 18,
} as const;

type State = (typeof State)[keyof typeof State];

const literals: Readonly<Record<number, string>> = { 116: 'true', 102: 'false', 110: 'null' };

/** 1: stands for itself inside of a string. Not the quote, the backslash, control characters and what is not ASCII. */
const plainInString = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
);

export class JsonReader {
  readonly #depthMax: number;
  readonly #valuesMax: number;
  readonly #index: number[] | undefined;
  /** For each object or list that is open: twice its entry, and 1 more for an object. */
  readonly #open: number[] = [];
  #valueCount = 0;
  #state: State = State.value;
  /** Bytes of the pieces before this one. */
  #consumed = 0;
  /** The value that is being read, or the last one. */
  #entry = 0;
  #isName = false;
  #literal = '';
  /** Bytes of the literal that were there, digits of `\u`, or bytes that a character still needs. */
  #progress = 0;
  /** What the next byte of a character may be. */
  #utf8From = 0x80;
  #utf8To = 0xbf;
  #fault: JsonFault | undefined = undefined;

  constructor({ index, depthMax = limits.jsonDepthMax, valuesMax = limits.jsonValuesMax }: JsonReaderOptions) {
    this.#depthMax = depthMax;
    this.#valuesMax = valuesMax;
    this.#index = index ? [] : undefined;
  }

  /**
   * Nothing of the piece is kept. Behind the first fault nothing is read any more. What makes up most of a document is read right
   * here: names and texts in ASCII, whole numbers, and what stands between values.
   */
  write(piece: Uint8Array): JsonFault | undefined {
    const { length } = piece;
    let at = 0;
    while (at < length && this.#fault === undefined) {
      let byte = piece[at]!;
      switch (this.#state) {
        case State.string:
          while (plainInString[byte] === 1) {
            at += 1;
            if (at === length) break;
            byte = piece[at]!;
          }
          if (at < length) at = byte === 0x22 ? this.#endString(at) : this.#leavePlain(byte, at);
          break;
        case State.integer:
          while (byte >= 0x30 && byte <= 0x39) {
            at += 1;
            if (at === length) break;
            byte = piece[at]!;
          }
          if (at < length) at = this.#readNumber(byte, at);
          break;
        case State.after:
          if (byte === 0x2c && this.#open.length > 0) {
            this.#state = (this.#open[this.#open.length - 1]! & 1) === 1 ? State.name : State.value;
            at += 1;
            break;
          }
          at = byte <= 0x20 ? this.#skipSpace(byte, at) : this.#readAfter(byte, at);
          break;
        case State.colon:
          if (byte === 0x3a) {
            this.#state = State.value;
            at += 1;
            break;
          }
          at = byte <= 0x20 ? this.#skipSpace(byte, at) : this.#fail('syntax', at);
          break;
        case State.name:
        case State.nameOrEnd:
        case State.value:
        case State.valueOrEnd:
          at = byte <= 0x20 ? this.#skipSpace(byte, at) : this.#readBeginning(byte, at);
          break;
        default:
          at = this.#readRare(byte, at);
      }
    }
    this.#consumed += length;
    return this.#fault;
  }

  /** Nothing more comes. */
  end(): JsonFault | undefined {
    if (this.#fault !== undefined) return this.#fault;
    const isOutside = this.#open.length === 0;
    if (isOutside && endsNumber(this.#state)) this.#endValue(this.#consumed);
    if (!isOutside || this.#state !== State.after)
      this.#fault = { reason: this.#valueCount === 0 ? 'empty' : 'truncated', atByte: this.#consumed };
    return this.#fault;
  }

  /** Where the values are, once the end was whole. */
  get index(): JsonIndex {
    return this.#index ?? [];
  }

  #skipSpace(byte: number, at: number): number {
    return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 ? at + 1 : this.#fail('syntax', at);
  }

  #readAfter(byte: number, at: number): number {
    const open = this.#open.at(-1);
    if (open !== undefined && byte === ((open & 1) === 1 ? 0x7d : 0x5d)) return this.#close(at);
    return this.#fail('syntax', at);
  }

  #readBeginning(byte: number, at: number): number {
    const state = this.#state;
    if (state === State.name || state === State.nameOrEnd) {
      if (byte === 0x22) return this.#begin(at, State.string, true);
      return byte === 0x7d && state === State.nameOrEnd ? this.#close(at) : this.#fail('syntax', at);
    }
    if (byte === 0x22) return this.#begin(at, State.string, false);
    if (byte >= 0x31 && byte <= 0x39) return this.#begin(at, State.integer, false);
    if (byte === 0x7b || byte === 0x5b) return this.#enter(byte === 0x7b, at);
    if (byte === 0x5d && state === State.valueOrEnd) return this.#close(at);
    if (byte === 0x30) return this.#begin(at, State.zero, false);
    if (byte === 0x2d) return this.#begin(at, State.minus, false);
    const literal = literals[byte];
    if (literal === undefined) return this.#fail('syntax', at);
    this.#literal = literal;
    this.#progress = 1;
    return this.#begin(at, State.literal, false);
  }

  #begin(at: number, state: State, isName: boolean): number {
    if (!this.#addEntry(at)) return at;
    this.#isName = isName;
    this.#state = state;
    return at + 1;
  }

  #enter(isObject: boolean, at: number): number {
    if (this.#open.length === this.#depthMax) return this.#fail('too-deep', at);
    if (!this.#addEntry(at)) return at;
    this.#open.push(this.#entry * 2 + (isObject ? 1 : 0));
    this.#state = isObject ? State.nameOrEnd : State.valueOrEnd;
    return at + 1;
  }

  #close(at: number): number {
    this.#entry = this.#open.pop()! >> 1;
    this.#endValue(this.#consumed + at + 1);
    return at + 1;
  }

  #endString(at: number): number {
    if (!this.#isName) {
      this.#endValue(this.#consumed + at + 1);
      return at + 1;
    }
    if (this.#index !== undefined) this.#index[this.#entry * INDEX_ENTRY_LENGTH + 1] = this.#consumed + at + 1;
    this.#state = State.colon;
    return at + 1;
  }

  #leavePlain(byte: number, at: number): number {
    if (byte < 0x20) return this.#fail('syntax', at);
    if (byte >= 0x80) return this.#beginCharacter(byte, at);
    if (this.#isName && this.#index !== undefined) this.#index[this.#entry * INDEX_ENTRY_LENGTH + 2] = 1;
    this.#state = State.escape;
    return at + 1;
  }

  #readRare(byte: number, at: number): number {
    switch (this.#state) {
      case State.escape:
        return this.#readEscape(byte, at);
      case State.unicode:
        return this.#readUnicode(byte, at);
      case State.utf8:
        return this.#readUtf8(byte, at);
      case State.literal:
        return this.#readLiteral(byte, at);
      default:
        return this.#readNumber(byte, at);
    }
  }

  #readEscape(byte: number, at: number): number {
    if (byte === 0x75) {
      this.#progress = 0;
      this.#state = State.unicode;
      return at + 1;
    }
    if (!isEscape(byte)) return this.#fail('syntax', at);
    this.#state = State.string;
    return at + 1;
  }

  #readUnicode(byte: number, at: number): number {
    if (!isHexDigit(byte)) return this.#fail('syntax', at);
    this.#progress += 1;
    if (this.#progress === 4) this.#state = State.string;
    return at + 1;
  }

  /** RFC 3629 §4: neither longer than needed nor a surrogate nor beyond U+10FFFF, which the second byte shows. */
  #beginCharacter(byte: number, at: number): number {
    if (byte < 0xc2 || byte > 0xf4) return this.#fail('utf8', at);
    this.#progress = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#utf8From = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#utf8To = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    this.#state = State.utf8;
    return at + 1;
  }

  #readUtf8(byte: number, at: number): number {
    if (byte < this.#utf8From || byte > this.#utf8To) return this.#fail('utf8', at);
    this.#utf8From = 0x80;
    this.#utf8To = 0xbf;
    this.#progress -= 1;
    if (this.#progress === 0) this.#state = State.string;
    return at + 1;
  }

  #readLiteral(byte: number, at: number): number {
    if (byte !== this.#literal.charCodeAt(this.#progress)) return this.#fail('syntax', at);
    this.#progress += 1;
    if (this.#progress === this.#literal.length) this.#endValue(this.#consumed + at + 1);
    return at + 1;
  }

  /** Goes on behind the byte, or in front of it where the number is over. */
  #readNumber(byte: number, at: number): number {
    const next = toNextInNumber(this.#state, byte);
    if (next !== undefined) {
      this.#state = next;
      return at + 1;
    }
    if (!endsNumber(this.#state)) return this.#fail('syntax', at);
    this.#endValue(this.#consumed + at);
    return at;
  }

  #endValue(end: number): void {
    if (this.#index !== undefined) {
      const place = this.#entry * INDEX_ENTRY_LENGTH;
      this.#index[place + 1] = end;
      this.#index[place + 2] = this.#valueCount;
    }
    this.#state = State.after;
  }

  #addEntry(at: number): boolean {
    if (this.#valueCount === this.#valuesMax) {
      this.#fail('too-many-values', at);
      return false;
    }
    this.#entry = this.#valueCount;
    this.#valueCount += 1;
    this.#index?.push(this.#consumed + at, 0, 0);
    return true;
  }

  #fail(reason: JsonFaultReason, at: number): number {
    this.#fault = { reason, atByte: this.#consumed + at };
    return at;
  }
}

/** Whether this is JSON, without remembering anything of it. */
export function findJsonFault(bytes: Uint8Array): JsonFault | undefined {
  const reader = new JsonReader({ index: false, valuesMax: Number.POSITIVE_INFINITY });
  return reader.write(bytes) ?? reader.end();
}

/** RFC 8259 §6. `undefined`: not a part of the number. */
function toNextInNumber(state: State, byte: number): State | undefined {
  if (byte >= 0x30 && byte <= 0x39) return toNextByDigit(state, byte);
  if (byte === 0x2e) return state === State.zero || state === State.integer ? State.dot : undefined;
  if (byte === 0x65 || byte === 0x45)
    return state === State.zero || state === State.integer || state === State.fraction ? State.exponent : undefined;
  if (byte === 0x2b || byte === 0x2d) return state === State.exponent ? State.exponentSign : undefined;
  return undefined;
}

function toNextByDigit(state: State, digit: number): State | undefined {
  switch (state) {
    case State.minus:
      return digit === 0x30 ? State.zero : State.integer;
    case State.zero:
      return undefined;
    case State.dot:
      return State.fraction;
    case State.exponent:
    case State.exponentSign:
      return State.exponentDigits;
    default:
      return state;
  }
}

function endsNumber(state: State): boolean {
  return state === State.zero || state === State.integer || state === State.fraction || state === State.exponentDigits;
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r` and `t`. */
function isEscape(byte: number): boolean {
  switch (byte) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
