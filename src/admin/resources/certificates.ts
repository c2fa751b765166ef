/** `/api/certificates`: those that listeners serve and services are shown, and how long they are valid. */
import { createRoute, z } from '@hono/zod-openapi';
import type { GatewayAdministration } from '../gateway-administration.ts';
import { type Api, copy, json, refusals } from '../resource.ts';

const certificateView = z
  .object({
    names: z.array(z.string()),
    listener: z.string().openapi({ description: 'That serves it, or `admin`. Empty where a service is shown it.' }),
    service: z.string().optional().openapi({ description: 'That is shown it.' }),
    issuer: z.string(),
    notAfter: z.string().openapi({ description: 'Empty where it cannot be read.' }),
    daysLeft: z.int(),
    source: z.enum(['file', 'acme']),
    problem: z.string().optional().openapi({ description: 'What is wrong with it.' }),
  })
  .openapi('Certificate');

const listCertificates = createRoute({
  method: 'get',
  path: '/api/certificates',
  responses: {
    200: { description: 'All certificates.', content: json(z.object({ certificates: z.array(certificateView) })) },
    ...refusals,
  },
});

export function addCertificates(app: Api, gateway: GatewayAdministration): void {
  app.openapi(listCertificates, (context) => context.json({ certificates: copy(gateway.listCertificates()) }, 200));
}
