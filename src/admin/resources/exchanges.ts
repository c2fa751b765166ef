/** `/api/explain`, `/api/explained`, `/api/tap` and `/api/errors`: how requests are, or would be, handled. */
import { createRoute, z } from '@hono/zod-openapi';
import { findTapMistake } from '#http/tap-filter.ts';
import { adminErrors } from '../admin-errors.ts';
import type { ExchangeAdministration } from '../exchange-administration.ts';
import { type Api, body, copy, ID_LENGTH_MAX, json, orThrow, refusals } from '../resource.ts';
import { TapStream } from '../tap-stream.ts';

const URL_LENGTH_MAX = 16_384;
const FIELDS_MAX = 200;
const TAP_EXCHANGES_MAX = 1_000_000;

const askedRequest = z
  .strictObject({
    method: z.string().min(1).max(64).openapi({ example: 'GET' }),
    url: z.string().min(1).max(URL_LENGTH_MAX).openapi({ example: 'https://shop.example.com/orders/5' }),
    headers: z
      .array(z.tuple([z.string(), z.string()]))
      .max(FIELDS_MAX)
      .default([]),
    listener: z.string().optional().openapi({ description: 'Without it, the first one that reads requests.' }),
    client: z.union([z.ipv4(), z.ipv6()]).optional().openapi({ description: 'Its address. Without it, 127.0.0.1.' }),
  })
  .openapi('AskedRequest');

const policy = z.object({
  name: z.string(),
  phase: z.enum(['requestHead', 'localAnswer', 'upstreamRequest', 'upstreamResponseHead', 'responseHead']),
  decision: z.enum(['pass', 'refuse', 'answer', 'fail']),
  durationMs: z.number(),
  waited: z.boolean(),
  code: z.string().optional(),
  status: z.int().optional(),
});

const choice = z.object({
  balance: z.string(),
  because: z.string(),
  endpointCount: z.int(),
  leftOut: z.array(z.object({ endpoint: z.string(), because: z.string() })),
});

const attempt = z
  .object({
    service: z.string().optional(),
    endpoint: z.string(),
    cause: z.enum(['first', 'retry', 'hedge', 'fallback', 'repeat']).optional(),
    choice: choice.optional(),
    startedMs: z.number().optional(),
    connectedMs: z.number().optional(),
    reused: z.boolean().optional(),
    headMs: z.number().optional(),
    durationMs: z.number(),
    outcome: z.enum(['answered', 'unwanted', 'slower', 'failed', 'left']),
    status: z.int().optional(),
    code: z.string().optional(),
    detail: z.string().optional(),
  })
  .openapi('Attempt', { description: 'Times are milliseconds since the request was there.' });

const call = z.object({
  name: z.string(),
  service: z.string(),
  endpoint: z.string().optional(),
  status: z.int(),
  durationMs: z.number(),
  bytes: z.int(),
  outcome: z.enum(['ok', 'cached', 'skipped', 'last-good', 'fallback', 'failed', 'cancelled']),
  code: z.string().optional(),
  attempts: z.int(),
  count: z.int(),
});

const exchange = z
  .object({
    id: z.string(),
    at: z.string(),
    listener: z.string(),
    protocol: z.string(),
    method: z.string(),
    host: z.string(),
    target: z.string(),
    client: z.string(),
    consumer: z.string().optional(),
    route: z.string().optional(),
    service: z.string().optional(),
    endpoint: z.string().optional(),
    status: z.int(),
    durationMs: z.number(),
    upstreamMs: z.number().optional(),
    requestBytes: z.int(),
    responseBytes: z.int(),
    code: z.string().optional(),
    detail: z.string().optional(),
    reported: z.string().optional(),
    cache: z.string().optional(),
    fallback: z.string().optional(),
    notRetried: z.string().optional(),
    tunnel: z.boolean().optional(),
    batchOf: z.string().optional(),
    policies: z.array(policy),
    attempts: z.array(attempt),
    calls: z.array(call).optional(),
    notes: z.array(z.object({ about: z.string(), note: z.string() })),
  })
  .openapi('Exchange');

const document = z.looseObject({}).openapi('Explanation', {
  description: 'What `gatehouse explain --json` prints; of an exchange that has happened, with `live`.',
});

const explain = createRoute({
  method: 'post',
  path: '/api/explain',
  // It only looks.
  'x-gatehouse-role': 'read',
  description: 'How the present configuration would handle a request. Sends nothing.',
  request: { body: body(askedRequest) },
  responses: { 200: { description: 'The explanation.', content: json(document) }, ...refusals },
});

const showExplained = createRoute({
  method: 'get',
  path: '/api/explained/{id}',
  description: 'One of the last exchanges whose client has shown a debug token, or that have failed.',
  request: { params: z.object({ id: z.string().max(ID_LENGTH_MAX) }) },
  responses: { 200: { description: 'The exchange, explained.', content: json(document) }, ...refusals },
});

const listErrors = createRoute({
  method: 'get',
  path: '/api/errors',
  description: 'The last exchanges that ended with a status of 500 or more, or with an error of a service or of the gateway.',
  request: { query: z.object({ route: z.string().max(ID_LENGTH_MAX).optional() }) },
  responses: { 200: { description: 'Newest first.', content: json(z.object({ errors: z.array(exchange) })) }, ...refusals },
});

const text = () => z.string().max(ID_LENGTH_MAX).optional();
const tapQuery = z.strictObject({
  route: text(),
  service: text(),
  status: text().openapi({ example: '5xx' }),
  method: text().openapi({ example: 'GET' }),
  path: text().openapi({ example: '/orders/*' }),
  client: text().openapi({ example: '10.0.0.0/8' }),
  sample: z.coerce.number().optional().openapi({ description: 'The share of those that match, up to 1.' }),
  max: z.coerce
    .number()
    .int()
    .min(1)
    .max(TAP_EXCHANGES_MAX)
    .optional()
    .openapi({ description: 'Exchanges after which it ends.' }),
  explain: z.enum(['true', 'false']).optional().openapi({ description: '`true`: whole explanations.' }),
});

const tap = createRoute({
  method: 'get',
  path: '/api/tap',
  description:
    'Exchanges that match, as soon as each is over: events `exchange`, and `dropped` with a `count` where there are too many.',
  request: { query: tapQuery },
  responses: {
    200: { description: 'Until the client leaves.', content: { 'text/event-stream': { schema: z.string() } } },
    ...refusals,
  },
});

export function addExchanges(app: Api, exchanges: ExchangeAdministration): void {
  app.openapi(explain, async (context) => context.json(orThrow(await exchanges.explain(context.req.valid('json'))), 200));
  app.openapi(showExplained, async (context) =>
    context.json(orThrow(await exchanges.explained(context.req.valid('param').id)), 200),
  );
  app.openapi(listErrors, (context) => {
    const errors = exchanges.listErrors(context.req.valid('query').route);
    return context.json({ errors: errors.map(copy) }, 200);
  });
  app.openapi(tap, (context) => {
    const { max, explain: explains, ...filter } = context.req.valid('query');
    const mistake = findTapMistake(filter);
    if (mistake !== undefined)
      throw adminErrors.malformedRequest(undefined, { publicDetail: `${mistake.field}: ${mistake.problem}` });
    const stream = TapStream.open({
      exchangesMax: max,
      begin: (taker) => exchanges.tap({ filter, explains: explains === 'true' }, taker),
    });
    if (stream === undefined) throw adminErrors.tooManyTaps();
    return context.body(stream, 200, { 'content-type': 'text/event-stream' });
  });
}
