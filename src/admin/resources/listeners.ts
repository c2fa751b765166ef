/** `/api/listeners`: where the gateway listens. */
import { createRoute, z } from '@hono/zod-openapi';
import type { GatewayAdministration } from '../gateway-administration.ts';
import { type Api, copy, json, refusals } from '../resource.ts';

const listenerView = z
  .object({
    name: z.string(),
    url: z.string().openapi({ example: 'https://0.0.0.0:8443' }),
    protocols: z.array(z.string()).openapi({ example: ['http/1.1', 'h2'] }),
    tls: z.boolean(),
    connections: z.number().int().describe('Open ones, as they were counted within the last second.'),
    accepted: z.number().int().describe('Connections since the start.'),
    refused: z
      .number()
      .int()
      .describe('Connections that were closed at once since the start: there were too many, or their PROXY header was wrong.'),
  })
  .openapi('Listener');

const listListeners = createRoute({
  method: 'get',
  path: '/api/listeners',
  responses: {
    200: { description: 'All listeners.', content: json(z.object({ listeners: z.array(listenerView) })) },
    ...refusals,
  },
});

export function addListeners(app: Api, gateway: GatewayAdministration): void {
  app.openapi(listListeners, (context) => context.json({ listeners: copy(gateway.listListeners()) }, 200));
}
