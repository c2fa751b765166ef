/** `/api/audit`: who changed something by this API, or tried to. */
import { createRoute, z } from '@hono/zod-openapi';
import { operatorRoles } from '#config/operator-roles.ts';
import type { AuditLog } from '../audit-log.ts';
import { type Api, copy, json, refusals } from '../resource.ts';

const auditEntry = z
  .object({
    at: z.iso.datetime(),
    by: z.string().openapi({ description: 'The name of the token; `unknown` for who was not let in.' }),
    role: z.enum(operatorRoles).optional(),
    address: z.string(),
    action: z.string().openapi({ example: 'PATCH /api/services/{name}/endpoints/{id}' }),
    target: z.string().openapi({ description: 'The path that was asked for.' }),
    outcome: z.string().openapi({ description: '`done`, `refused` for a configuration with mistakes, or the code of an error.' }),
    before: z.string().optional(),
    after: z.string().optional(),
  })
  .openapi('AuditEntry');

const listAudit = createRoute({
  method: 'get',
  path: '/api/audit',
  description: 'The latest changes, and attempts that were refused; the latest first.',
  responses: { 200: { description: 'What was asked.', content: json(z.object({ entries: z.array(auditEntry) })) }, ...refusals },
});

export function addAudit(app: Api, audit: AuditLog): void {
  app.openapi(listAudit, (context) => context.json({ entries: copy(audit.list()) }, 200));
}
