/**
 * Tests of one header, query parameter or cookie. Queries and cookies are scanned where they stand: no map is built and
 * nothing is cut out of the text unless an escape or a regular expression asks for it. All inputs come from the client.
 */
import { compileAnchoredRegex } from './anchored-regex.ts';
import type { ValueCondition } from './route-definition.ts';

/** Whether the named value is missing, there but not as wanted, or there as wanted. */
export type ValueOutcome = 'absent' | 'differs' | 'holds';

/** The compiled form of a condition on a value. One shape for all three kinds. */
export class ValueTest {
  readonly equals: string | undefined;
  readonly regex: RegExp | undefined;
  /** As the user wrote it. */
  readonly regexSource: string | undefined;
  /** Whether a missing value is what is wanted. */
  readonly wantsAbsence: boolean;

  constructor(condition: ValueCondition) {
    this.equals = 'equals' in condition ? condition.equals : undefined;
    this.regexSource = 'regex' in condition ? condition.regex : undefined;
    this.regex = this.regexSource === undefined ? undefined : compileAnchoredRegex(this.regexSource);
    this.wantsAbsence = 'present' in condition && !condition.present;
  }

  accepts(outcome: ValueOutcome): boolean {
    return outcome === (this.wantsAbsence ? 'absent' : 'holds');
  }

  holdsFor(value: string): boolean {
    if (this.equals !== undefined) return value === this.equals;
    return this.regex === undefined || this.regex.test(value);
  }

  /** Whether no value can satisfy both. Two different regular expressions may overlap as far as we can tell. */
  excludes(other: ValueTest): boolean {
    if (this.wantsAbsence || other.wantsAbsence) return this.wantsAbsence !== other.wantsAbsence;
    if (this.equals !== undefined) return !other.holdsFor(this.equals);
    return other.equals !== undefined && !this.holdsFor(other.equals);
  }
}

/** A field may have several lines; one that holds is enough. */
export function findInFields(fields: readonly string[], name: string, test: ValueTest): ValueOutcome {
  let outcome: ValueOutcome = 'absent';
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== name) continue;
    if (test.holdsFor(fields[index + 1]!)) return 'holds';
    outcome = 'differs';
  }
  return outcome;
}

/** Names and values are compared decoded, as a form encodes them (a plus sign is a space). */
export function findInQuery(query: string, name: string, test: ValueTest): ValueOutcome {
  let outcome: ValueOutcome = 'absent';
  let equalsAt = -1;
  for (let at = 0; at < query.length; ) {
    const end = endOf(query, '&', at);
    // Looked for again only once passed, so that a query without any `=` is read once and not once per parameter.
    if (equalsAt < at) equalsAt = endOf(query, '=', at);
    const nameEnd = Math.min(equalsAt, end);
    if (end > at && isSameText(query, at, nameEnd, name)) {
      if (holdsInQuery(query, Math.min(nameEnd + 1, end), end, test)) return 'holds';
      outcome = 'differs';
    }
    at = end + 1;
  }
  return outcome;
}

/** RFC 6265 §4.2.1 pairs of every `cookie` line; HTTP/2 clients may send one line per pair (RFC 9113 §8.2.3). */
export function findInCookies(fields: readonly string[], name: string, test: ValueTest): ValueOutcome {
  let outcome: ValueOutcome = 'absent';
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'cookie') continue;
    const found = findInCookieLine(fields[index + 1]!, name, test);
    if (found === 'holds') return found;
    if (found === 'differs') outcome = found;
  }
  return outcome;
}

/** The first value of a cookie, as conditions see it. */
export function readCookie(fields: readonly string[], name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'cookie') continue;
    const line = fields[index + 1]!;
    for (let at = 0; at < line.length; ) {
      const end = endOf(line, ';', at);
      const valueAt = findCookieValue(line, name, at, end);
      if (valueAt >= 0) return readCookieValue(line, valueAt, end);
      at = end + 1;
    }
  }
  return undefined;
}

function findInCookieLine(line: string, name: string, test: ValueTest): ValueOutcome {
  let outcome: ValueOutcome = 'absent';
  for (let at = 0; at < line.length; ) {
    const end = endOf(line, ';', at);
    const valueAt = findCookieValue(line, name, at, end);
    if (valueAt >= 0) {
      if (test.holdsFor(readCookieValue(line, valueAt, end))) return 'holds';
      outcome = 'differs';
    }
    at = end + 1;
  }
  return outcome;
}

/** Where the value of a pair begins, if the pair is of this cookie; else -1. A pair without `=` has no name, so it is no cookie of ours. */
function findCookieValue(line: string, name: string, at: number, end: number): number {
  const from = skipSpaces(line, at, end);
  const equalsAt = from + name.length;
  return line.startsWith(name, from) && equalsAt < end && line.charCodeAt(equalsAt) === 0x3d ? equalsAt + 1 : -1;
}

/** Without surrounding space and double quotes, and decoded: most programs encode what a cookie may not contain. */
function readCookieValue(line: string, from: number, to: number): string {
  const value = line.slice(from, to).trim();
  const isQuoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
  return decodeEscapes(isQuoted ? value.slice(1, -1) : value);
}

function holdsInQuery(query: string, from: number, to: number, test: ValueTest): boolean {
  if (test.equals !== undefined) return isSameText(query, from, to, test.equals);
  return test.regex === undefined || test.holdsFor(decodeFormText(query.slice(from, to)));
}

/** Whether a part of a query, once decoded, is `wanted`. A part without escapes is compared in place. */
function isSameText(query: string, from: number, to: number, wanted: string): boolean {
  // Decoding never makes a text longer.
  if (to - from < wanted.length) return false;
  if (isEscaped(query, from, to)) return decodeFormText(query.slice(from, to)) === wanted;
  return to - from === wanted.length && query.startsWith(wanted, from);
}

function isEscaped(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x25 || code === 0x2b) return true;
  }
  return false;
}

function decodeFormText(text: string): string {
  return decodeEscapes(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an encoding of anything, so it is compared as it stands.
    return text;
  }
}

function endOf(text: string, separator: string, from: number): number {
  const at = text.indexOf(separator, from);
  return at < 0 ? text.length : at;
}

function skipSpaces(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at += 1;
  return at;
}
