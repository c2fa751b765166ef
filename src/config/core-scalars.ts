/** What a plain scalar means by the core schema of YAML 1.2 (§10.3.2), with or without a tag that says what it must be. */

export type CoreScalar = string | number | boolean | null;

/** Everything else is text: most scalars need only this look at how they begin. */
const MAY_BE_MORE_THAN_TEXT = /^(?:[-+.0-9~ntfNTF]|$)/;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
const INTEGER = /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;

export function readPlainScalar(text: string): CoreScalar {
  if (!MAY_BE_MORE_THAN_TEXT.test(text)) return text;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (INTEGER.test(text)) return toInteger(text);
  if (FLOAT.test(text)) return Number.parseFloat(text);
  if (INFINITE.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return NOT_A_NUMBER.test(text) ? Number.NaN : text;
}

/** `undefined`: the tag is none of the core schema, or the text is nothing that it can stand before. */
export function readTaggedScalar(tag: string, text: string): CoreScalar | undefined {
  if (tag === '!' || tag === '!!str') return text;
  const value = readPlainScalar(text);
  if (tag === '!!null') return value === null ? value : undefined;
  if (tag === '!!bool') return typeof value === 'boolean' ? value : undefined;
  if (typeof value !== 'number' || (tag !== '!!int' && tag !== '!!float')) return undefined;
  return INTEGER.test(text) === (tag === '!!int') ? value : undefined;
}

function toInteger(text: string): number {
  if (text.startsWith('0o')) return Number.parseInt(text.slice(2), 8);
  return text.startsWith('0x') ? Number.parseInt(text.slice(2), 16) : Number.parseInt(text, 10);
}
