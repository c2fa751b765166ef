/** `/api/services`: services with their endpoints, which an operator may add, change and remove. */
import { createRoute, z } from '@hono/zod-openapi';
import { endpointOrigins } from '#services/joined-endpoints.ts';
import { type Api, body, copy, ID_LENGTH_MAX, json, orThrow, refusals } from '../resource.ts';
import type { ServiceAdministration } from '../service-administration.ts';

const WEIGHT_MAX = 1000;
const URL_LENGTH_MAX = 2048;

const endpointView = z
  .object({
    id: z.string().openapi({ example: 'aHR0cDovLzEwLjAuMC4xMTozMDAw' }),
    url: z.string().openapi({ example: 'http://10.0.0.11:3000' }),
    weight: z.number().openapi({ description: 'SRV records of weight 0 have less than 1 where there are several.' }),
    origins: z.array(z.enum(endpointOrigins)).openapi({ description: 'Who names it.' }),
    draining: z.boolean().openapi({ description: 'An operator lets it come to its end: no new exchanges.' }),
    unhealthy: z.boolean().openapi({ description: 'Active checks say so.' }),
    ejected: z.boolean().openapi({ description: 'It failed too often, and gets no exchanges for a while.' }),
  })
  .openapi('Endpoint');

const serviceView = z
  .object({
    name: z.string(),
    version: z.int().openapi({ description: 'Grows with each change of the endpoints.' }),
    endpoints: z.array(endpointView),
    removed: z.array(z.string()).openapi({ description: 'URLs of endpoints that an operator has removed.' }),
  })
  .openapi('Service');

const addedEndpoint = z
  .strictObject({
    url: z.string().min(1).max(URL_LENGTH_MAX).openapi({ example: 'http://10.0.0.13:3000' }),
    weight: z.int().min(0).max(WEIGHT_MAX).optional().openapi({ description: 'Without it, 1; 0 takes no exchanges.' }),
  })
  .openapi('AddedEndpoint');

const endpointPatch = z
  .strictObject({
    weight: z
      .int()
      .min(0)
      .max(WEIGHT_MAX)
      .nullable()
      .optional()
      .openapi({ description: '`null`: what the configuration or the source says.' }),
    draining: z.boolean().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, { error: 'give `weight`, `draining` or both' })
  .openapi('EndpointPatch');

const inService = z.object({ name: z.string().max(ID_LENGTH_MAX) });
const inEndpoint = inService.extend({ id: z.string().max(ID_LENGTH_MAX) });

const listServices = createRoute({
  method: 'get',
  path: '/api/services',
  responses: {
    200: { description: 'All services.', content: json(z.object({ services: z.array(serviceView) })) },
    ...refusals,
  },
});

const showService = createRoute({
  method: 'get',
  path: '/api/services/{name}',
  request: { params: inService },
  responses: { 200: { description: 'The service.', content: json(serviceView) }, ...refusals },
});

const addEndpoint = createRoute({
  method: 'post',
  path: '/api/services/{name}/endpoints',
  description: 'Adds an endpoint, or undoes that one was removed. It is there until it is removed or the gateway ends.',
  request: { params: inService, body: body(addedEndpoint) },
  responses: { 201: { description: 'It was added.', content: json(endpointView) }, ...refusals },
});

const changeEndpoint = createRoute({
  method: 'patch',
  path: '/api/services/{name}/endpoints/{id}',
  request: { params: inEndpoint, body: body(endpointPatch) },
  responses: { 200: { description: 'It was changed.', content: json(endpointView) }, ...refusals },
});

const removeEndpoint = createRoute({
  method: 'delete',
  path: '/api/services/{name}/endpoints/{id}',
  description: 'Removes an endpoint, whoever names it. Running exchanges come to their end.',
  request: { params: inEndpoint },
  responses: { 204: { description: 'It was removed.' }, ...refusals },
});

export function addServices(app: Api, services: ServiceAdministration): void {
  app.openapi(listServices, (context) => context.json({ services: services.list().map(copy) }, 200));
  app.openapi(showService, (context) => {
    const { name } = context.req.valid('param');
    return context.json(copy(orThrow(services.find(name))), 200);
  });
  app.openapi(addEndpoint, (context) => {
    const { name } = context.req.valid('param');
    const added = orThrow(services.add(name, context.req.valid('json'), context.env.operator));
    context.env.audited.after = JSON.stringify(added);
    context.header('location', `/api/services/${name}/endpoints/${added.id}`);
    return context.json(copy(added), 201);
  });
  app.openapi(changeEndpoint, (context) => {
    const { name, id } = context.req.valid('param');
    const { operator, audited } = context.env;
    audited.before = showEndpoint(services, name, id);
    const changed = orThrow(services.change(name, id, context.req.valid('json'), operator));
    audited.after = JSON.stringify(changed);
    return context.json(copy(changed), 200);
  });
  app.openapi(removeEndpoint, (context) => {
    const { name, id } = context.req.valid('param');
    const { operator, audited } = context.env;
    audited.before = showEndpoint(services, name, id);
    orThrow(services.remove(name, id, operator));
    return context.body(null, 204);
  });
}

/** For the audit log. */
function showEndpoint(services: ServiceAdministration, name: string, id: string): string | undefined {
  const service = services.find(name);
  const endpoint = 'endpoints' in service ? service.endpoints.find((each) => each.id === id) : undefined;
  return endpoint && JSON.stringify(endpoint);
}
