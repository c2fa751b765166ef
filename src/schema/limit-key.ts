/** By what requests are counted together. Text in the configuration, a kind and a name in the program. */
import { oneOrList } from './forms.ts';
import { listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';
import { readFieldName } from './token.ts';

const KEYS_MAX = 8;
const NAME_LENGTH_MAX = 256;

const plainKinds = ['ip', 'consumer', 'route'] as const;
const namedKinds = ['header', 'cookie', 'path', 'claim'] as const;

/** A part of a request by which requests are counted together. */
export type LimitKey =
  | { readonly kind: (typeof plainKinds)[number] }
  | { readonly kind: (typeof namedKinds)[number]; readonly name: string };

const EXPECTED = [...plainKinds, ...namedKinds.map((kind) => `${kind}.NAME`)];

function readLimitKey(text: string): Reading<LimitKey> {
  const plain = plainKinds.find((kind) => kind === text);
  if (plain !== undefined) return { value: { kind: plain } };
  const dot = text.indexOf('.');
  const word = dot < 0 ? text : text.slice(0, dot);
  const name = dot < 0 ? '' : text.slice(dot + 1);
  const kind = namedKinds.find((known) => known === word);
  if (kind === undefined) {
    const suggestion = suggestWord(word, [...plainKinds, ...namedKinds]);
    const ending = suggestion === undefined ? '' : `; did you mean \`${EXPECTED.find((key) => key.startsWith(suggestion))}\`?`;
    return { problem: `expected ${listWords(EXPECTED)}, not ${quote(text)}${ending}` };
  }
  if (name === '' || name.length > NAME_LENGTH_MAX) return { problem: `${quote(text)} names no ${kind}; write \`${kind}.NAME\`` };
  if (kind !== 'header') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}

const limitKey = textKind({
  noun: 'a part of the request',
  examples: ['ip', 'consumer', 'route', 'header.x-api-key', 'cookie.session', 'path.tenant', 'claim.team'],
  help: 'What of a request is counted: `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token).',
  read: readLimitKey,
});

export const limitKeysHelp =
  'those with the same `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token), or the same of all in a list.';

/** One part of a request, or several in a list. */
export function limitKeys() {
  return oneOrList(limitKey).refine((keys) => keys.length <= KEYS_MAX, {
    error: `at most ${KEYS_MAX} parts of a request are counted together`,
  });
}
