/** `/api/history`: configurations that have run, what differs between them, and the way back. */
import { createRoute, z } from '@hono/zod-openapi';
import { type ConfigurationAdministration, configurationSources } from '../configuration-administration.ts';
import { type Api, copy, json, orThrow, refusals } from '../resource.ts';
import { applyOutcome } from './configuration.ts';

/** Of a SHA-256 in hex. */
const HASH = /^[0-9a-f]{6,64}$/;

const hash = z.string().regex(HASH, 'write the hash, or its first characters, at least six').openapi({ example: '3f0a92c41b77' });
const inHistory = z.object({ hash });

const historyEntry = z
  .object({
    hash: z.string(),
    version: z.int(),
    appliedAt: z.iso.datetime(),
    source: z.enum(configurationSources),
    by: z.string(),
    current: z.boolean(),
    lines: z
      .object({ added: z.int(), removed: z.int() })
      .openapi({ description: 'Lines that the one before it had not, or that only that one had.' }),
    traffic: z.object({ requests: z.int(), errors: z.int(), p95Ms: z.number() }).optional().openapi({
      description:
        'Requests that ended while it was the present one, how many of them with 5xx, and the time that 95 % of them kept to.',
    }),
  })
  .openapi('HistoryEntry');

const listHistory = createRoute({
  method: 'get',
  path: '/api/history',
  description: 'Configurations that have run, the latest first.',
  responses: {
    200: { description: 'Those that are kept.', content: json(z.object({ entries: z.array(historyEntry) })) },
    ...refusals,
  },
});

const showHistoryEntry = createRoute({
  method: 'get',
  path: '/api/history/{hash}',
  request: { params: inHistory },
  responses: {
    200: {
      description: 'As it was written; `"***"` stands for a secret.',
      content: json(z.object({ hash: z.string(), text: z.string() })),
    },
    ...refusals,
  },
});

const compareHistory = createRoute({
  method: 'get',
  path: '/api/history/{hash}/diff',
  description:
    'What `against` would have to change to be it, as a unified diff. Secrets are hidden, so a change of one is not seen.',
  request: {
    params: inHistory,
    query: z.object({ against: hash.optional().openapi({ description: 'Without it, the one before it.' }) }),
  },
  responses: { 200: { description: 'The difference.', content: json(z.object({ diff: z.string() })) }, ...refusals },
});

const rollBack = createRoute({
  method: 'post',
  path: '/api/history/{hash}/rollback',
  'x-gatehouse-role': 'admin',
  description: 'Applies it again. It counts until the file changes or is loaded again.',
  request: { params: inHistory },
  responses: {
    200: { description: 'It is the present one.', content: json(applyOutcome) },
    422: { description: 'It was refused, and nothing has changed.', content: json(applyOutcome) },
    ...refusals,
  },
});

export function addHistory(app: Api, configurations: ConfigurationAdministration): void {
  app.openapi(listHistory, (context) => context.json({ entries: copy(configurations.listHistory()) }, 200));
  app.openapi(showHistoryEntry, async (context) =>
    context.json(copy(orThrow(await configurations.findText(context.req.valid('param').hash))), 200),
  );
  app.openapi(compareHistory, async (context) => {
    const { against } = context.req.valid('query');
    return context.json({ diff: orThrow(await configurations.compare(context.req.valid('param').hash, against)) }, 200);
  });
  app.openapi(rollBack, async (context) => {
    const { operator, audited } = context.env;
    audited.before = configurations.currentHash;
    const outcome = orThrow(await configurations.rollBack(context.req.valid('param').hash, operator));
    audited.after = outcome.hash;
    return context.json(copy(outcome), outcome.ok ? 200 : 422);
  });
}
