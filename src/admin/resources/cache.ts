/** `/api/cache`: what is kept, what it was of use for, and how it is thrown out. */
import { createRoute, z } from '@hono/zod-openapi';
import type { AnswerPurge } from '#base/answer-store.ts';
import { cacheResults } from '#http/cache-result.ts';
import { type CacheAdministration, storePurges } from '../cache-administration.ts';
import { type Api, body, copy, json, refusals } from '../resource.ts';

const URL_LENGTH_MAX = 2048;
const TAG_LENGTH_MAX = 1024;

const cacheView = z
  .object({
    answers: z.int().openapi({ description: 'Kept in memory, by all data threads together.' }),
    bytes: z.int(),
    evictions: z.int().openapi({ description: 'Answers that were still of use and went because there was no room.' }),
    routes: z.array(
      z.object({
        route: z.string(),
        results: z.partialRecord(z.enum(cacheResults), z.int()).openapi({ description: 'What requests were answered from.' }),
      }),
    ),
  })
  .openapi('Cache');

const purge = z
  .strictObject({
    url: z.url().max(URL_LENGTH_MAX).optional().openapi({ example: 'https://shop.example/articles/17?page=2' }),
    prefix: z.url().max(URL_LENGTH_MAX).optional().openapi({ description: 'All addresses that begin so.' }),
    tag: z.string().min(1).max(TAG_LENGTH_MAX).optional(),
  })
  .refine((asked) => Object.keys(asked).length === 1, { error: 'give one of `url`, `prefix` and `tag`' })
  .openapi('Purge');

const purgeOutcome = z
  .object({
    purged: z.int().openapi({ description: 'How many answers were thrown out of memory.' }),
    store: z.enum(storePurges).openapi({ description: 'Whether the store that gateways share was purged too.' }),
  })
  .openapi('PurgeOutcome');

const showCache = createRoute({
  method: 'get',
  path: '/api/cache',
  responses: { 200: { description: 'What is kept, and what it was of use for.', content: json(cacheView) }, ...refusals },
});

const purgeCache = createRoute({
  method: 'post',
  path: '/api/cache/purge',
  description:
    'Throws out what is kept for an address, for all that begin so, or with a tag. All data threads are without it when this is answered.',
  request: { body: body(purge) },
  responses: { 200: { description: 'It was purged.', content: json(purgeOutcome) }, ...refusals },
});

export function addCache(app: Api, cache: CacheAdministration): void {
  app.openapi(showCache, (context) => context.json(copy(cache.show()), 200));
  app.openapi(purgeCache, async (context) => {
    const outcome = await cache.purge(toPurge(context.req.valid('json')), context.env.operator);
    return context.json(copy(outcome), 200);
  });
}

function toPurge({ url, prefix, tag }: z.infer<typeof purge>): AnswerPurge {
  if (tag !== undefined) return { kind: 'tag', tag };
  return url === undefined ? { kind: 'prefix', prefix: toKept(prefix!) } : { kind: 'uri', uri: toKept(url) };
}

/** As answers are kept by: scheme and host in lower case, without a fragment. The path is what it is. */
function toKept(url: string): string {
  const [, origin = '', rest = ''] = /^([^/]*\/\/[^/?#]*)([^#]*)/.exec(url) ?? [];
  return origin.toLowerCase() + (rest === '' || rest.startsWith('?') ? `/${rest}` : rest);
}
