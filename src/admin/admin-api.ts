/** The admin API: what operators see and change while the gateway runs, described by itself as `/api/openapi.json`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import type { AnswerPurge } from '#base/answer-store.ts';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { cacheResults } from '#http/cache-result.ts';
import { endpointOrigins } from '#services/joined-endpoints.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import { adminErrors } from './admin-errors.ts';
import { type AdminAccess, admit } from './admin-guard.ts';
import { type CacheAdministration, storePurges } from './cache-administration.ts';
import type { QuotaAdministration } from './quota-administration.ts';
import type { Operator, ServiceAdministration } from './service-administration.ts';

const WEIGHT_MAX = 1000;
const URL_LENGTH_MAX = 2048;
const ID_LENGTH_MAX = 4096;
const TAG_LENGTH_MAX = 1024;
const QUOTAS_SHOWN = 100;
const QUOTAS_SHOWN_MAX = 1000;

export interface AdminApiFacts {
  access(): AdminAccess;
  readonly services: ServiceAdministration;
  readonly quotas: QuotaAdministration;
  readonly cache: CacheAdministration;
  /** A fault of ours. */
  onFault(error: unknown): void;
}

interface ApiEnvironment {
  readonly Bindings: { readonly operator: Operator };
}

type Api = OpenAPIHono<ApiEnvironment>;

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

const quotaView = z
  .object({
    id: z.string().openapi({ example: '3f0a92c41b77e05d' }),
    quota: z.string().openapi({ description: 'Where it stands, what it counts by, and its period.' }),
    key: z.string().openapi({ description: 'Empty where it may be a secret.' }),
    used: z.int(),
    limit: z.int().openapi({ description: 'As it was for the last request.' }),
    until: z.iso.datetime().openapi({ description: 'When the present window ends.' }),
  })
  .openapi('Quota');

const cacheView = z
  .object({
    answers: z.int().openapi({ description: 'Kept in memory, by all data threads together.' }),
    bytes: z.int(),
    evictions: z.int().openapi({ description: 'Answers that were still of use and went because there was no room.' }),
    routes: z.array(
      z.object({
        route: z.string(),
        results: z.partialRecord(z.enum(cacheResults), z.int()).openapi({ description: 'What requests were answered from.' }),
      }),
    ),
  })
  .openapi('Cache');

const purge = z
  .strictObject({
    url: z.url().max(URL_LENGTH_MAX).optional().openapi({ example: 'https://shop.example/articles/17?page=2' }),
    prefix: z.url().max(URL_LENGTH_MAX).optional().openapi({ description: 'All addresses that begin so.' }),
    tag: z.string().min(1).max(TAG_LENGTH_MAX).optional(),
  })
  .refine((asked) => Object.keys(asked).length === 1, { error: 'give one of `url`, `prefix` and `tag`' })
  .openapi('Purge');

const purgeOutcome = z
  .object({
    purged: z.int().openapi({ description: 'How many answers were thrown out of memory.' }),
    store: z.enum(storePurges).openapi({ description: 'Whether the store that gateways share was purged too.' }),
  })
  .openapi('PurgeOutcome');

const problem = z
  .object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string() })
  .openapi('Problem');

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
const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });
const refusals = { default: { description: 'Why not.', content: { 'application/problem+json': { schema: problem } } } };
const body = <Schema extends z.ZodType>(schema: Schema) => ({ required: true, content: json(schema) });

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

const listQuotas = createRoute({
  method: 'get',
  path: '/api/quotas',
  description: 'What quotas have counted in windows that are not over, page by page.',
  request: {
    query: z.object({
      from: z.coerce.number().int().min(0).default(0).openapi({ description: '`next` of the page before.' }),
      max: z.coerce.number().int().min(1).max(QUOTAS_SHOWN_MAX).default(QUOTAS_SHOWN),
    }),
  },
  responses: {
    200: { description: 'A page.', content: json(z.object({ quotas: z.array(quotaView), next: z.int().optional() })) },
    ...refusals,
  },
});

const resetQuota = createRoute({
  method: 'delete',
  path: '/api/quotas/{id}',
  description: 'Begins to count anew in the present window.',
  request: { params: z.object({ id: z.string().max(ID_LENGTH_MAX) }) },
  responses: { 204: { description: 'It was reset.' }, ...refusals },
});

const showCache = createRoute({
  method: 'get',
  path: '/api/cache',
  responses: { 200: { description: 'What is kept, and what it was of use for.', content: json(cacheView) }, ...refusals },
});

const purgeCache = createRoute({
  method: 'post',
  path: '/api/cache/purge',
  description:
    'Throws out what is kept for an address, for all that begin so, or with a tag. All data threads are without it when this is answered.',
  request: { body: body(purge) },
  responses: { 200: { description: 'It was purged.', content: json(purgeOutcome) }, ...refusals },
});

export class AdminApi {
  readonly #facts: AdminApiFacts;
  readonly #app: Api;

  constructor(facts: AdminApiFacts) {
    this.#facts = facts;
    this.#app = createApp(facts);
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await send(response, await this.#toResponse(request));
    } catch {
      // The client is gone, or has stopped in the middle of its body: there is nobody to answer.
      response.destroy();
    }
  }

  async #toResponse(request: IncomingMessage): Promise<Response> {
    const clientAddress = request.socket.remoteAddress ?? '';
    const operator = admit({ headers: request.headers, clientAddress }, this.#facts.access());
    if (operator instanceof GatewayError) return toProblem(operator);
    const text = await readBody(request);
    if (text === undefined) return toProblem(adminErrors.bodyTooLarge());
    const type = request.headers['content-type'];
    const url = URL.parse(request.url ?? '', 'http://admin');
    if (url === null) return toProblem(adminErrors.malformedRequest());
    const asked = new Request(url, {
      method: request.method ?? 'GET',
      ...(text !== '' && { body: text, headers: { 'content-type': type ?? '' } }),
    });
    return this.#app.fetch(asked, { operator });
  }
}

function createApp({ services, quotas, cache, onFault }: AdminApiFacts): Api {
  const app: Api = new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw adminErrors.malformedRequest(undefined, { publicDetail: z.prettifyError(result.error) });
    },
  });
  app.openapi(listServices, (context) => context.json({ services: services.list().map(copy) }, 200));
  app.openapi(showService, (context) => {
    const { name } = context.req.valid('param');
    return context.json(copy(orThrow(services.find(name))), 200);
  });
  app.openapi(addEndpoint, (context) => {
    const { name } = context.req.valid('param');
    const added = orThrow(services.add(name, context.req.valid('json'), context.env.operator));
    context.header('location', `/api/services/${name}/endpoints/${added.id}`);
    return context.json(copy(added), 201);
  });
  app.openapi(changeEndpoint, (context) => {
    const { name, id } = context.req.valid('param');
    return context.json(copy(orThrow(services.change(name, id, context.req.valid('json'), context.env.operator))), 200);
  });
  app.openapi(removeEndpoint, (context) => {
    const { name, id } = context.req.valid('param');
    orThrow(services.remove(name, id, context.env.operator));
    return context.body(null, 204);
  });
  app.openapi(listQuotas, (context) => {
    const { from, max } = context.req.valid('query');
    return context.json(copy(quotas.list(from, max)), 200);
  });
  app.openapi(resetQuota, (context) => {
    orThrow(quotas.reset(context.req.valid('param').id, context.env.operator));
    return context.body(null, 204);
  });
  app.openapi(showCache, (context) => context.json(copy(cache.show()), 200));
  app.openapi(purgeCache, async (context) => {
    const outcome = await cache.purge(toPurge(context.req.valid('json')), context.env.operator);
    return context.json(copy(outcome), 200);
  });
  app.doc31('/api/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Admin API of Gatehouse', version: '1', description: 'Nothing of what is changed here outlives the process.' },
  });
  app.notFound(() => toProblem(adminErrors.notFound()));
  app.onError((error) => {
    if (error instanceof GatewayError) return toProblem(error);
    if (error instanceof HTTPException)
      return toProblem(adminErrors.malformedRequest(undefined, { publicDetail: error.message }));
    onFault(error);
    return toProblem(adminErrors.fault());
  });
  return app;
}

function toPurge({ url, prefix, tag }: z.infer<typeof purge>): AnswerPurge {
  if (tag !== undefined) return { kind: 'tag', tag };
  return url === undefined ? { kind: 'prefix', prefix: toKept(prefix!) } : { kind: 'uri', uri: toKept(url) };
}

/** As answers are kept by: scheme and host in lower case, without a fragment. The path is what it is. */
function toKept(url: string): string {
  const [, origin = '', rest = ''] = /^([^/]*\/\/[^/?#]*)([^#]*)/.exec(url) ?? [];
  return origin.toLowerCase() + (rest === '' || rest.startsWith('?') ? `/${rest}` : rest);
}

/** The library takes what is refused as an exception. */
function orThrow<Value>(value: Value | GatewayError): Value {
  if (value instanceof GatewayError) throw value;
  return value;
}

/** The library's types know no arrays that are read only. */
function copy<Value>(value: Value): Mutable<Value> {
  return structuredClone(value) as Mutable<Value>;
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Mutable<Value[Key]> };

function toProblem({ status, code, kind, publicDetail }: GatewayError): Response {
  const detail = publicDetail === undefined ? kind.help : `${kind.help.slice(0, -1)}: ${publicDetail}`;
  const text = `${JSON.stringify({ type: 'about:blank', title: reasonOf(status), status, detail, code })}\n`;
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === adminErrors.wrongToken.kind.status) headers['www-authenticate'] = 'Bearer realm="gatehouse"';
  return new Response(text, { status, headers });
}

/** `undefined`: it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  let text = '';
  let bodyBytes = 0;
  request.setEncoding('utf8');
  // What is left of a body that is too large is read and thrown away by the server, so that the client hears why.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    bodyBytes += Buffer.byteLength(part);
    if (bodyBytes > limits.adminBodyBytesMax) return undefined;
    text += part;
  }
  return text;
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'cache-control': 'no-store' });
  response.end(bytes);
}
