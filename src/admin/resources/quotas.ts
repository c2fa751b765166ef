/** `/api/quotas`: what quotas have counted, and how to begin anew. */
import { createRoute, z } from '@hono/zod-openapi';
import type { QuotaAdministration } from '../quota-administration.ts';
import { type Api, copy, ID_LENGTH_MAX, json, orThrow, refusals } from '../resource.ts';

const QUOTAS_SHOWN = 100;
const QUOTAS_SHOWN_MAX = 1000;

const quotaView = z
  .object({
    id: z.string().openapi({ example: '3f0a92c41b77e05d' }),
    quota: z.string().openapi({ description: 'Where it stands, what it counts by, and its period.' }),
    key: z.string().openapi({ description: 'Empty where it may be a secret.' }),
    used: z.int(),
    limit: z.int().openapi({ description: 'As it was for the last request.' }),
    until: z.iso.datetime().openapi({ description: 'When the present window ends.' }),
  })
  .openapi('Quota');

const listQuotas = createRoute({
  method: 'get',
  path: '/api/quotas',
  description: 'What quotas have counted in windows that are not over, page by page.',
  request: {
    query: z.object({
      from: z.coerce.number().int().min(0).default(0).openapi({ description: '`next` of the page before.' }),
      max: z.coerce.number().int().min(1).max(QUOTAS_SHOWN_MAX).default(QUOTAS_SHOWN),
    }),
  },
  responses: {
    200: { description: 'A page.', content: json(z.object({ quotas: z.array(quotaView), next: z.int().optional() })) },
    ...refusals,
  },
});

const resetQuota = createRoute({
  method: 'delete',
  path: '/api/quotas/{id}',
  description: 'Begins to count anew in the present window.',
  request: { params: z.object({ id: z.string().max(ID_LENGTH_MAX) }) },
  responses: { 204: { description: 'It was reset.' }, ...refusals },
});

export function addQuotas(app: Api, quotas: QuotaAdministration): void {
  app.openapi(listQuotas, (context) => {
    const { from, max } = context.req.valid('query');
    return context.json(copy(quotas.list(from, max)), 200);
  });
  app.openapi(resetQuota, (context) => {
    orThrow(quotas.reset(context.req.valid('param').id, context.env.operator));
    return context.body(null, 204);
  });
}
