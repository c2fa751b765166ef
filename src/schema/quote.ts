/** How values of a user appear in messages. */

const SHOWN_LENGTH_MAX = 60;

/** Text in double quotes, with control characters escaped and the tail of a long one left out. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text);
}

/** What kind of value this is, in the words of someone who writes YAML: `a list`, `the number 5`, `the text "x"`. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the text ${quote(value)}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  if (typeof value === 'boolean') return `\`${value}\``;
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

/** The same without the value itself, which may be a secret. */
export function describeKind(value: unknown): string {
  if (typeof value === 'string') return 'a text';
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : describeValue(value);
}

/** `a`, `b` or `c`. */
export function listWords(words: readonly string[], conjunction: 'and' | 'or' = 'or'): string {
  const marked = words.map((word) => `\`${word}\``);
  if (marked.length < 2) return marked.join('');
  return `${marked.slice(0, -1).join(', ')} ${conjunction} ${marked.at(-1)}`;
}
