/** `/api/routes`: which requests go where, and through which policies. */
import { createRoute, z } from '@hono/zod-openapi';
import { type Api, copy, ID_LENGTH_MAX, json, orThrow, refusals } from '../resource.ts';
import { policyLevels, type RouteAdministration } from '../route-administration.ts';

const ROUTES_SHOWN = 100;
const ROUTES_SHOWN_MAX = 1000;
const SEARCH_LENGTH_MAX = 256;

const summary = z.object({
  name: z.string(),
  match: z.array(z.string()).openapi({ description: 'One line for each match.', example: ['GET shop.example.com/orders/*'] }),
  to: z.string().openapi({ example: 'service orders' }),
  policies: z.array(z.string()).openapi({ description: 'In order of execution.' }),
  services: z.array(z.string()),
});

const routeSummary = summary.openapi('RouteSummary');

const routeView = summary
  .extend({
    policies: z.array(
      z.object({
        name: z.string(),
        level: z.enum(policyLevels).openapi({ description: 'Where the settings stand that count.' }),
        listener: z.string().optional().openapi({ description: 'Where they stand at one: of which it counts for.' }),
        settings: z.record(z.string(), z.unknown()).openapi({ description: 'As written; `***` stands for a secret.' }),
        summary: z.string(),
      }),
    ),
    definition: z.string().openapi({ description: 'YAML of the route as written; `***` stands for a secret.' }),
  })
  .openapi('Route');

const listRoutes = createRoute({
  method: 'get',
  path: '/api/routes',
  description: 'Routes in the order of the configuration, page by page.',
  request: {
    query: z.object({
      from: z.coerce.number().int().min(0).default(0).openapi({ description: '`next` of the page before.' }),
      max: z.coerce.number().int().min(1).max(ROUTES_SHOWN_MAX).default(ROUTES_SHOWN),
      search: z.string().max(SEARCH_LENGTH_MAX).optional().openapi({
        description: 'Part of a name, a match, a policy or a service, in any case.',
      }),
    }),
  },
  responses: {
    200: {
      description: 'A page.',
      content: json(z.object({ routes: z.array(routeSummary), total: z.int(), next: z.int().optional() })),
    },
    ...refusals,
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/api/routes/{name}',
  request: { params: z.object({ name: z.string().max(ID_LENGTH_MAX) }) },
  responses: { 200: { description: 'The route.', content: json(routeView) }, ...refusals },
});

export function addRoutes(app: Api, routes: RouteAdministration): void {
  app.openapi(listRoutes, async (context) => {
    const { from, max, search } = context.req.valid('query');
    return context.json(copy(await routes.list({ from, max, search })), 200);
  });
  app.openapi(showRoute, async (context) => {
    const { name } = context.req.valid('param');
    return context.json(copy(orThrow(await routes.find(name))), 200);
  });
}
