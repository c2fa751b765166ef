/** `/api/comparisons`: what has come of comparing answers to copies of requests with those of the services. */
import { createRoute, z } from '@hono/zod-openapi';
import { comparisonResults } from '#pipeline/comparison/comparison-results.ts';
import { adminErrors } from '../admin-errors.ts';
import type { ComparisonAdministration } from '../comparison-administration.ts';
import { type Api, copy, ID_LENGTH_MAX, json, refusals } from '../resource.ts';

const example = z.object({
  at: z.iso.datetime(),
  id: z.string().openapi({ description: 'Of the request.' }),
  method: z.string(),
  target: z.string(),
  before: z.string().optional().openapi({ description: 'Of the service; missing where only the copy has it.' }),
  after: z.string().optional(),
});

const place = z.object({
  place: z.string().openapi({ example: 'body /items/*/price' }),
  kind: z.enum(['changed', 'added', 'removed']),
  count: z.int(),
  examples: z.array(example),
});

const comparison = z
  .object({
    route: z.string(),
    service: z.string().openapi({ description: 'That copies go to.' }),
    since: z.iso.datetime(),
    results: z.record(z.enum(comparisonResults), z.int()),
    differences: z.array(place).openapi({ description: 'The most frequent first.' }),
    furtherDifferences: z.int().openapi({ description: 'At places that are not told one by one.' }),
  })
  .openapi('Comparison');

const listComparisons = createRoute({
  method: 'get',
  path: '/api/comparisons',
  responses: {
    200: { description: 'Of each route and each mirror.', content: json(z.object({ comparisons: z.array(comparison) })) },
    ...refusals,
  },
});

const showComparisons = createRoute({
  method: 'get',
  path: '/api/comparisons/{route}',
  request: { params: z.object({ route: z.string().max(ID_LENGTH_MAX) }) },
  responses: {
    200: { description: 'Of each mirror of the route.', content: json(z.object({ comparisons: z.array(comparison) })) },
    ...refusals,
  },
});

export function addComparisons(app: Api, comparisons: ComparisonAdministration): void {
  app.openapi(listComparisons, (context) => context.json({ comparisons: copy(comparisons.list()) }, 200));
  app.openapi(showComparisons, (context) => {
    const { route } = context.req.valid('param');
    const found = comparisons.list().filter((one) => one.route === route);
    if (found.length === 0) throw adminErrors.noComparison();
    return context.json({ comparisons: copy(found) }, 200);
  });
}
