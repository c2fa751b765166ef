/** By what requests are counted together. Text in the configuration, a kind and a name in the program. */
import { oneOrList } from './forms.ts';
import { type NamedPart, readNamedPart } from './named-part.ts';
import { type Reading, textKind } from './text-kind.ts';

const KEYS_MAX = 8;

const plain = ['ip', 'consumer', 'route'] as const;
const named = ['header', 'cookie', 'path', 'claim'] as const;

/** A part of a request by which requests are counted together. */
export type LimitKey = NamedPart<(typeof plain)[number], (typeof named)[number]>;

const limitKey = textKind({
  noun: 'a part of the request',
  examples: ['ip', 'consumer', 'route', 'header.x-api-key', 'cookie.session', 'path.tenant', 'claim.team'],
  help: 'What of a request is counted: `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token).',
  read: (text): Reading<LimitKey> => readNamedPart(text, { plain, named }),
});

export const limitKeysHelp =
  'those with the same `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token), or the same of all in a list.';

/** One part of a request, or several in a list. */
export function limitKeys() {
  return oneOrList(limitKey).refine((keys) => keys.length <= KEYS_MAX, {
    error: `at most ${KEYS_MAX} parts of a request are counted together`,
  });
}
