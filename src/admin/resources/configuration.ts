/** `/api/configuration`: the present configuration, whether another one is right, and how it takes its place. */
import { createRoute, z } from '@hono/zod-openapi';
import { limits } from '#base/limits.ts';
import { type ConfigurationAdministration, configurationSources } from '../configuration-administration.ts';
import { type Api, body, copy, json, orThrow, refusals } from '../resource.ts';

const configurationView = z
  .object({
    version: z.int(),
    hash: z.string(),
    text: z.string().openapi({ description: 'As written; `"***"` stands for a secret.' }),
    appliedAt: z.iso.datetime(),
    source: z.enum(configurationSources),
    by: z.string(),
  })
  .openapi('Configuration');

const issue = z
  .object({
    line: z.int().optional(),
    column: z.int().optional(),
    path: z.string().openapi({ example: 'routes.orders.to' }),
    message: z.string(),
    severity: z.enum(['error', 'warning']),
  })
  .openapi('ConfigurationIssue');

const judgement = z.object({ ok: z.boolean(), issues: z.array(issue) }).openapi('ConfigurationJudgement');

export const applyOutcome = z
  .object({ ok: z.boolean(), issues: z.array(issue), hash: z.string().optional(), version: z.int().optional() })
  .openapi('ApplyOutcome');

const written = z
  .strictObject({
    text: z.string().min(1).max(limits.adminConfigurationBytesMax).openapi({
      description: 'YAML or JSON. Where `"***"` stands for a secret, the present one at the same place is kept.',
    }),
  })
  .openapi('WrittenConfiguration');

const showConfiguration = createRoute({
  method: 'get',
  path: '/api/configuration',
  responses: { 200: { description: 'The present one.', content: json(configurationView) }, ...refusals },
});

const checkConfiguration = createRoute({
  method: 'post',
  path: '/api/configuration/check',
  // What a configuration names is read, and its functions are loaded: as much as applying it would do.
  'x-gatehouse-role': 'admin',
  description: 'Says everything that is wrong with a configuration. Nothing changes.',
  request: { body: body(written) },
  responses: { 200: { description: 'What is wrong.', content: json(judgement) }, ...refusals },
});

const applyConfiguration = createRoute({
  method: 'put',
  path: '/api/configuration',
  'x-gatehouse-role': 'admin',
  description:
    'Applies a configuration everywhere or nowhere. It counts until the file changes or is loaded again. Only where `admin.apply` is true.',
  request: { body: body(written) },
  responses: {
    200: { description: 'It is the present one.', content: json(applyOutcome) },
    422: { description: 'It was refused, and nothing has changed.', content: json(applyOutcome) },
    ...refusals,
  },
});

export function addConfiguration(app: Api, configurations: ConfigurationAdministration): void {
  app.openapi(showConfiguration, async (context) => context.json(copy(await configurations.show()), 200));
  app.openapi(checkConfiguration, async (context) =>
    context.json(copy(await configurations.check(context.req.valid('json').text)), 200),
  );
  app.openapi(applyConfiguration, async (context) => {
    const { operator, audited } = context.env;
    audited.before = configurations.currentHash;
    const outcome = orThrow(await configurations.apply(context.req.valid('json').text, operator));
    audited.after = outcome.hash;
    return context.json(copy(outcome), outcome.ok ? 200 : 422);
  });
}
