/**
 * JSON bodies as values, for looking at them only: what goes on is the bytes. All input is attacker-controlled. What two
 * readers could take for different values is refused: a key that stands twice, bytes that are no UTF-8.
 */
import { isUtf8 } from 'node:buffer';

export type JsonReading = { readonly value: unknown } | { readonly fault: JsonFault };
export type JsonFault = 'encoding' | 'depth' | 'syntax' | 'duplicate';

export const jsonFaults: Readonly<Record<JsonFault, string>> = {
  encoding: 'is not UTF-8',
  depth: 'is nested too deeply',
  syntax: 'is not JSON',
  duplicate: 'has a key twice in one object',
};

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPENING_BRACKET = 91;
const OPENING_BRACE = 123;
const CLOSING_BRACKET = 93;
const CLOSING_BRACE = 125;

/** The length of the bytes is for the caller to cap. */
export function readJson(bytes: Buffer, depthMax: number): JsonReading {
  if (!isUtf8(bytes)) return { fault: 'encoding' };
  const keysWritten = countKeys(bytes, depthMax);
  if (keysWritten < 0) return { fault: 'depth' };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Where it goes wrong would show parts of it.
    return { fault: 'syntax' };
  }
  // Of keys that stand twice, the value has one.
  return countProperties(value) === keysWritten ? { value } : { fault: 'duplicate' };
}

/** How many colons stand outside of texts: in JSON, one behind each key. -1: deeper than it may be. */
function countKeys(bytes: Buffer, depthMax: number): number {
  let depth = 0;
  let keys = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = findClosingQuote(bytes, at + 1);
        break;
      case COLON:
        keys += 1;
        break;
      case OPENING_BRACKET:
      case OPENING_BRACE:
        depth += 1;
        if (depth > depthMax) return -1;
        break;
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        depth -= 1;
        break;
    }
  }
  return keys;
}

function findClosingQuote(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at += 1;
  }
  return bytes.length;
}

/** As deep as `depthMax` allowed. */
function countProperties(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countProperties(item);
    return count;
  }
  const items = Object.values(value);
  count = items.length;
  for (const item of items) count += countProperties(item);
  return count;
}
