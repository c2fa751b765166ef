/** `/api/status`: what runs, since when, and who asks. */
import { createRoute, z } from '@hono/zod-openapi';
import { operatorRoles } from '#config/operator-roles.ts';
import type { GatewayAdministration } from '../gateway-administration.ts';
import { type Api, json, refusals } from '../resource.ts';

const statusView = z
  .object({
    version: z.string().openapi({ description: 'Of Gatehouse.' }),
    configuration: z.object({
      version: z.int().openapi({ description: 'Grows with each configuration that is applied.' }),
      hash: z.string(),
      appliedAt: z.iso.datetime(),
      source: z.string().openapi({ description: 'Where it came from: `file`, `reload`, `api` or `rollback`.' }),
      by: z.string().openapi({ description: 'Who applied it; `file` for the file.' }),
    }),
    startedAt: z.iso.datetime(),
    threads: z.int(),
    ready: z.boolean(),
    reason: z.string().optional().openapi({ description: 'Why it is not ready.' }),
    role: z.enum(operatorRoles).openapi({ description: 'Of who asks.' }),
    user: z.string().openapi({ description: 'The name of the token of who asks.' }),
  })
  .openapi('Status');

const showStatus = createRoute({
  method: 'get',
  path: '/api/status',
  responses: { 200: { description: 'What runs.', content: json(statusView) }, ...refusals },
});

export function addStatus(app: Api, gateway: GatewayAdministration): void {
  app.openapi(showStatus, (context) => {
    const { role, by } = context.env.operator;
    return context.json({ ...gateway.showStatus(), role, user: by }, 200);
  });
}
