/** The admin API: what operators see and change while the gateway runs, described by itself as `/api/openapi.json`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import { adminErrors } from './admin-errors.ts';
import { type AdminAccess, admit } from './admin-guard.ts';
import type { Administrations } from './administrations.ts';
import type { Api, ApiEnvironment } from './resource.ts';
import { addCache } from './resources/cache.ts';
import { addExchanges } from './resources/exchanges.ts';
import { addQuotas } from './resources/quotas.ts';
import { addServices } from './resources/services.ts';
import { addTraffic } from './resources/traffic.ts';

export interface AdminApiFacts {
  access(): AdminAccess;
  readonly administrations: Administrations;
  /** A fault of ours. */
  onFault(error: unknown): void;
}

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

function createApp({ administrations, onFault }: AdminApiFacts): Api {
  const app: Api = new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw adminErrors.malformedRequest(undefined, { publicDetail: z.prettifyError(result.error) });
    },
  });
  addServices(app, administrations.services);
  addQuotas(app, administrations.quotas);
  addCache(app, administrations.cache);
  addTraffic(app, administrations.traffic);
  addExchanges(app, administrations.exchanges);
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
  const { status, headers, body } = answer;
  // What flows is sent as it comes; the rest has a length.
  const flows = body !== null && headers.get('content-type') === 'text/event-stream';
  const bytes = flows ? undefined : Buffer.from(await answer.arrayBuffer());
  response.writeHead(status, { ...Object.fromEntries(headers), 'cache-control': 'no-store' });
  if (flows) await pipeline(body, response);
  else response.end(bytes);
}
