/** `/api/limits`: where how much is limited, and how much was refused. */
import { createRoute, z } from '@hono/zod-openapi';
import { type GatewayAdministration, limitKinds } from '../gateway-administration.ts';
import { type Api, copy, json, refusals } from '../resource.ts';

const limitView = z
  .object({
    kind: z.enum(limitKinds),
    where: z.string().openapi({ example: 'route orders' }),
    limit: z.string().openapi({ example: '100/minute' }),
    by: z.string().openapi({ example: 'ip' }),
    refused: z.int().openapi({
      description: 'Requests that policies of this kind have refused since the start, wherever they stand.',
    }),
  })
  .openapi('Limit');

const listLimits = createRoute({
  method: 'get',
  path: '/api/limits',
  responses: { 200: { description: 'All limits.', content: json(z.object({ limits: z.array(limitView) })) }, ...refusals },
});

export function addLimits(app: Api, gateway: GatewayAdministration): void {
  app.openapi(listLimits, async (context) => context.json({ limits: copy(await gateway.listLimits()) }, 200));
}
