/** `/api/consumers`: those who identify themselves, and by which kinds of credentials. */
import { createRoute, z } from '@hono/zod-openapi';
import type { GatewayAdministration } from '../gateway-administration.ts';
import { type Api, copy, json, refusals } from '../resource.ts';

const consumerView = z
  .object({
    name: z.string(),
    groups: z.array(z.string()),
    credentials: z
      .array(z.string())
      .openapi({ description: 'Kinds of credentials, each once for each that it has.', example: ['key'] }),
  })
  .openapi('Consumer');

const listConsumers = createRoute({
  method: 'get',
  path: '/api/consumers',
  responses: {
    200: { description: 'All consumers.', content: json(z.object({ consumers: z.array(consumerView) })) },
    ...refusals,
  },
});

export function addConsumers(app: Api, gateway: GatewayAdministration): void {
  app.openapi(listConsumers, (context) => context.json({ consumers: copy(gateway.listConsumers()) }, 200));
}
