/** Parts of a request as configurations name them: a word such as `ip`, or a word with a name such as `header.x-user`. */
import { listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import type { Reading } from './text-kind.ts';
import { readFieldName } from './token.ts';

const NAME_LENGTH_MAX = 256;

export interface PartKinds<Plain extends string, Named extends string> {
  readonly plain: readonly Plain[];
  /** They need a name; that of `header` is one of a field. */
  readonly named: readonly Named[];
}

export type NamedPart<Plain extends string, Named extends string> =
  | { readonly kind: Plain }
  | { readonly kind: Named; readonly name: string };

export function readNamedPart<Plain extends string, Named extends string>(
  text: string,
  { plain, named }: PartKinds<Plain, Named>,
): Reading<NamedPart<Plain, Named>> {
  const alone = plain.find((kind) => kind === text);
  if (alone !== undefined) return { value: { kind: alone } };
  const dot = text.indexOf('.');
  const word = dot < 0 ? text : text.slice(0, dot);
  const name = dot < 0 ? '' : text.slice(dot + 1);
  const kind = named.find((known) => known === word);
  if (kind === undefined) return { problem: explainKind(text, word, { plain, named }) };
  if (name === '' || name.length > NAME_LENGTH_MAX) return { problem: `${quote(text)} names no ${kind}; write \`${kind}.NAME\`` };
  if (kind !== 'header') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}

function explainKind(text: string, word: string, { plain, named }: PartKinds<string, string>): string {
  const known = [...plain, ...named.map((kind) => `${kind}.NAME`)];
  const suggestion = suggestWord(word, [...plain, ...named]);
  const ending = suggestion === undefined ? '' : `; did you mean \`${known.find((part) => part.startsWith(suggestion))}\`?`;
  return `expected ${listWords(known)}, not ${quote(text)}${ending}`;
}
