/** `/api/traffic`: what goes through the gateway now, and how it has been for five minutes. */
import { createRoute, z } from '@hono/zod-openapi';
import { type Api, copy, ID_LENGTH_MAX, json, orThrow, refusals } from '../resource.ts';
import type { TrafficAdministration } from '../traffic-administration.ts';

const ROUTES_SHOWN_MAX = 1_000;
const ROUTES_STREAMED_MAX = 100;
const EVENTS_HELD_MAX = 4;

const traffic = z.object({
  requestsPerSecond: z.number(),
  errorsPerSecond: z.number().openapi({ description: 'Answers with a status of 500 or more.' }),
  clientErrorsPerSecond: z.number().openapi({ description: 'Answers with a status from 400 to 499.' }),
  inFlight: z.int(),
  p50Ms: z.number(),
  p90Ms: z.number(),
  p99Ms: z.number(),
  bytesInPerSecond: z.number().openapi({ description: 'Of bodies of requests.' }),
  bytesOutPerSecond: z.number().openapi({ description: 'Of bodies of answers.' }),
});
const named = traffic.extend({ name: z.string() });
const point = traffic.extend({ at: z.iso.datetime() });

const serviceTraffic = named.extend({
  endpoints: z.int(),
  healthy: z.int().openapi({ description: 'Endpoints that are given requests.' }),
  connections: z.int(),
  waiting: z.int().openapi({ description: 'Requests that wait for a connection.' }),
  retriesPerSecond: z.number(),
});

const threadState = z.object({
  number: z.int(),
  eventLoopDelayMs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
  utilization: z.number().openapi({ description: 'Of its time, from 0 to 1.' }),
  heapBytes: z.int(),
  connections: z.int().openapi({ description: 'Of clients.' }),
});

const trafficView = z
  .object({
    at: z.iso.datetime(),
    windowSeconds: z.number().openapi({ description: 'What rates and durations are of; less while the gateway is younger.' }),
    total: traffic,
    routes: z.array(named).openapi({ description: 'Those with traffic, the busiest first.' }),
    services: z.array(serviceTraffic),
    threads: z.array(threadState),
    process: z.object({ rssBytes: z.int(), cpu: z.number().openapi({ description: 'How many cores it keeps busy.' }) }),
  })
  .openapi('Traffic');

const routeTraffic = z
  .object({
    points: z.array(point),
    statuses: z.record(z.string(), z.int()).openapi({ description: 'How many exchanges ended with each, since the start.' }),
  })
  .openapi('RouteTraffic');

const showTraffic = createRoute({
  method: 'get',
  path: '/api/traffic',
  responses: { 200: { description: 'The last minute.', content: json(trafficView) }, ...refusals },
});

const streamTraffic = createRoute({
  method: 'get',
  path: '/api/traffic/stream',
  description:
    'First an event `history` with the totals of five minutes (`{points}`), then every second an event `traffic` with what `/api/traffic` answers, for the busiest 100 routes, and the last second of the totals (`point`). A client that does not read misses events.',
  responses: { 200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } }, ...refusals },
});

const showRouteTraffic = createRoute({
  method: 'get',
  path: '/api/routes/{name}/traffic',
  request: { params: z.object({ name: z.string().max(ID_LENGTH_MAX) }) },
  responses: { 200: { description: 'Five minutes.', content: json(routeTraffic) }, ...refusals },
});

export function addTraffic(app: Api, administration: TrafficAdministration): void {
  app.openapi(showTraffic, (context) => context.json(copy(administration.show(ROUTES_SHOWN_MAX)), 200));
  app.openapi(streamTraffic, (context) => context.body(openStream(administration), 200, { 'content-type': 'text/event-stream' }));
  app.openapi(showRouteTraffic, (context) => {
    const { name } = context.req.valid('param');
    return context.json(copy(orThrow(administration.showRoute(name))), 200);
  });
}

function openStream(administration: TrafficAdministration): ReadableStream<Uint8Array> {
  let onSample: () => void = () => undefined;
  const leave = orThrow(administration.follow(() => onSample()));
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = () => {
          const point = administration.listPoints().at(-1);
          controller.enqueue(toEvent('traffic', { ...administration.show(ROUTES_STREAMED_MAX), point }));
        };
        controller.enqueue(toEvent('history', { points: administration.listPoints() }));
        send();
        onSample = () => {
          // What a client has not read yet is held for it, so there is nothing more until it has.
          if ((controller.desiredSize ?? 0) > 0) send();
        };
      },
      cancel: leave,
    },
    { highWaterMark: EVENTS_HELD_MAX },
  );
}

function toEvent(name: string, data: object): Uint8Array {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
