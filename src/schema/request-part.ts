/** Parts of a request, by which answers about requests are told apart. */
import type { z } from 'zod';
import { listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';
import { readFieldName } from './token.ts';

const plainKinds = ['method', 'host', 'path', 'query', 'ip', 'consumer'] as const;
const namedKinds = ['header', 'cookie'] as const;
const NAME_LENGTH_MAX = 256;

export type RequestPart =
  | { readonly kind: (typeof plainKinds)[number] }
  | { readonly kind: (typeof namedKinds)[number]; readonly name: string };

const EXPECTED = [...plainKinds, ...namedKinds.map((kind) => `${kind}.NAME`)];

export function requestPart(): z.ZodType<RequestPart, string> {
  return textKind({
    noun: 'a part of the request',
    examples: ['path', 'header.authorization', 'cookie.session'],
    help: 'A part of the request: `method`, `host`, `path`, `query`, `ip` (the client’s address), `consumer` (who asks, with all that is known of it), `header.NAME` or `cookie.NAME`.',
    read: readRequestPart,
  });
}

function readRequestPart(text: string): Reading<RequestPart> {
  const plain = plainKinds.find((kind) => kind === text);
  if (plain !== undefined) return { value: { kind: plain } };
  const dot = text.indexOf('.');
  const word = dot < 0 ? text : text.slice(0, dot);
  const name = dot < 0 ? '' : text.slice(dot + 1);
  const kind = namedKinds.find((known) => known === word);
  if (kind === undefined) {
    const suggestion = suggestWord(word, [...plainKinds, ...namedKinds]);
    const ending = suggestion === undefined ? '' : `; did you mean \`${EXPECTED.find((part) => part.startsWith(suggestion))}\`?`;
    return { problem: `expected ${listWords(EXPECTED)}, not ${quote(text)}${ending}` };
  }
  if (name === '' || name.length > NAME_LENGTH_MAX) return { problem: `${quote(text)} names no ${kind}; write \`${kind}.NAME\`` };
  if (kind === 'cookie') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}
