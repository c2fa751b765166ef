/** Turns what zod found into sentences that say what is wrong and what would be right. */
import type { z } from 'zod';
import { describeKind, describeValue, listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';

type RawIssue = z.core.$ZodRawIssue;

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};
/** A list of known words longer than this helps nobody in a message. */
const LISTED_WORDS_MAX = 12;

/**
 * The message of an issue; `undefined` leaves it to zod. Unknown keys of one map come as one issue: their messages are
 * one per line, in the order of the keys.
 */
export function explainIssue(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return explainType(issue.expected, issue.input, issue.path?.at(-1));
    case 'invalid_value':
      return explainValue(issue.values, issue.input, issue.path?.at(-1));
    case 'unrecognized_keys':
      return explainUnknownKeys(issue);
    case 'too_small':
      return explainBound(issue.origin, Number(issue.minimum), { input: issue.input, side: 'least' });
    case 'too_big':
      return explainBound(issue.origin, Number(issue.maximum), { input: issue.input, side: 'most' });
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
}

/** What to say about one unknown key. */
export function explainUnknownKey(key: string, known: readonly string[]): string {
  const suggestion = suggestWord(key, known);
  if (suggestion !== undefined) return `unknown key \`${key}\`; did you mean \`${suggestion}\`?`;
  if (known.length === 0) return `unknown key \`${key}\``;
  const isLong = known.length > LISTED_WORDS_MAX;
  return `unknown key \`${key}\`; possible ${known.length === 1 ? 'is' : 'are'} ${listWords(known.slice(0, LISTED_WORDS_MAX), 'and')}${isLong ? ' and others' : ''}`;
}

function explainType(expected: string, input: unknown, key: PropertyKey | undefined): string {
  if (input === undefined) return explainMissing(key);
  const noun = NOUNS[expected] ?? `a ${expected}`;
  const isScalar = typeof input === 'number' || typeof input === 'boolean';
  const hint = expected === 'string' && isScalar ? `; put it in quotes: \`"${input}"\`` : '';
  const emptyHint =
    input === null && (expected === 'object' || expected === 'record')
      ? '; write `{}` for an empty map, or leave the key out'
      : '';
  // A secret that stands where a map or a list of them belongs is one all the same.
  const isCompound = expected === 'object' || expected === 'record' || expected === 'array';
  return `expected ${noun}, not ${isCompound ? describeKind(input) : describeValue(input)}${hint}${emptyHint}`;
}

function explainMissing(key: PropertyKey | undefined): string {
  return key === undefined ? 'a value is missing' : `\`${String(key)}\` is missing`;
}

function explainValue(values: readonly unknown[], input: unknown, key: PropertyKey | undefined): string {
  const known = values.map(String);
  if (input === undefined) return `${explainMissing(key)}; expected ${listWords(known)}`;
  const suggestion = typeof input === 'string' ? suggestWord(input, known) : undefined;
  const ending = suggestion === undefined || known.length < 2 ? '' : `; did you mean \`${suggestion}\`?`;
  return `expected ${listWords(known)}, not ${typeof input === 'string' ? quote(input) : describeValue(input)}${ending}`;
}

function explainUnknownKeys(issue: RawIssue & { code: 'unrecognized_keys' }): string {
  const known = listKnownKeys(issue.inst);
  return issue.keys.map((key) => explainUnknownKey(key, known)).join('\n');
}

function listKnownKeys(schema: unknown): string[] {
  const shape = (schema as Partial<z.ZodObject> | undefined)?._zod?.def?.shape;
  return shape === undefined ? [] : Object.keys(shape);
}

function explainBound(
  origin: string,
  bound: number,
  { input, side }: { input: unknown; side: 'least' | 'most' },
): string | undefined {
  if (origin === 'number' || origin === 'int')
    return `${describeValue(input)} is too ${side === 'least' ? 'small' : 'large'}; at ${side} ${bound}`;
  if (origin === 'array')
    return side === 'least' && bound === 1
      ? 'the list is empty; write at least one entry'
      : `the list has too ${side === 'least' ? 'few' : 'many'} entries; at ${side} ${bound}`;
  if (origin === 'string')
    return side === 'least' && bound === 1
      ? 'the text is empty'
      : `the text is too ${side === 'least' ? 'short' : 'long'}; at ${side} ${bound} characters`;
  return undefined;
}
