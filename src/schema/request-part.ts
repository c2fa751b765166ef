/** Parts of a request, by which answers about requests are told apart. */
import type { z } from 'zod';
import { type NamedPart, readNamedPart } from './named-part.ts';
import { textKind } from './text-kind.ts';

const plain = ['method', 'host', 'path', 'query', 'ip', 'consumer'] as const;
const named = ['header', 'cookie'] as const;

export type RequestPart = NamedPart<(typeof plain)[number], (typeof named)[number]>;

export function requestPart(): z.ZodType<RequestPart, string> {
  return textKind({
    noun: 'a part of the request',
    examples: ['path', 'header.authorization', 'cookie.session'],
    help: 'A part of the request: `method`, `host`, `path`, `query`, `ip` (the client’s address), `consumer` (who asks, with all that is known of it), `header.NAME` or `cookie.NAME`.',
    read: (text) => readNamedPart(text, { plain, named }),
  });
}
