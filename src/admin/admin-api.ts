/** The admin API: what operators see and change while the gateway runs, described by itself as `/api/openapi.json`. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTPException } from 'hono/http-exception';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { adminErrors } from './admin-errors.ts';
import { type AdminAccess, admit, toAdminRequest } from './admin-guard.ts';
import { addResources, createApi } from './admin-resources.ts';
import type { Administrations } from './administrations.ts';
import { DONE, REFUSED } from './audit-log.ts';
import { type Operation, Operations } from './operations.ts';
import { mayAct, type Operator } from './operator.ts';
import { toProblemAnswer } from './problem.ts';
import type { Api, Audited } from './resource.ts';

export interface AdminApiFacts {
  readonly clock: Clock;
  access(): AdminAccess;
  readonly administrations: Administrations;
  /** A fault of ours. */
  onFault(error: unknown): void;
}

const DOCUMENT_PATH = '/api/openapi.json';
const UNPROCESSABLE = 422;
const NO_CONTENT = 204;
const configurationPaths: readonly string[] = ['/api/configuration', '/api/configuration/check'];

export class AdminApi {
  readonly #facts: AdminApiFacts;
  readonly #app: Api;
  readonly #operations: Operations;

  constructor(facts: AdminApiFacts) {
    this.#facts = facts;
    const app = createApi();
    const declared = addResources(app, facts.administrations);
    app.doc31(DOCUMENT_PATH, documentHead);
    app.notFound(() => toProblem(adminErrors.notFound()));
    app.onError((error) => this.#toProblemOf(error));
    this.#app = app;
    this.#operations = new Operations([...declared, { method: 'get', path: DOCUMENT_PATH }]);
  }

  /** Answers one request, whatever becomes of it. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await send(response, await this.#toResponse(request), { isHead: request.method === 'HEAD' });
    } catch (error) {
      // Where the client is gone, or has stopped in the middle of its body, there is nobody to answer.
      if (!response.closed && !request.socket.destroyed) this.#facts.onFault(error);
      response.destroy();
    }
  }

  async #toResponse(request: IncomingMessage): Promise<Response> {
    const access = this.#facts.access();
    const operator = admit(toAdminRequest(request), access);
    const operation = this.#findOperation(request);
    const asked: AskedOperation = { operation, method: request.method ?? 'GET', target: request.url ?? '' };
    if (operator instanceof GatewayError) {
      const unknown = { by: 'unknown', address: 'path' in access.address ? 'unix' : (request.socket.remoteAddress ?? '') };
      this.#audit(unknown, asked, { outcome: operator.code });
      return toProblem(operator);
    }
    if (operation === undefined) return toProblem(adminErrors.notFound());
    if (!mayAct(operator.role, operation.role)) {
      const refusal = adminErrors.roleNeeded({}, { publicDetail: `it needs the role \`${operation.role}\`` });
      this.#audit(operator, asked, { outcome: refusal.code });
      return toProblem(refusal);
    }
    return this.#carryOut(request, { operator, operation, asked });
  }

  async #carryOut(
    request: IncomingMessage,
    { operator, operation, asked }: { operator: Operator; operation: Operation; asked: AskedOperation },
  ): Promise<Response> {
    const bytesMax = configurationPaths.includes(operation.path) ? limits.adminConfigurationBytesMax : limits.adminBodyBytesMax;
    const text = await readBody(request, bytesMax);
    if (text === undefined) {
      const refusal = adminErrors.bodyTooLarge();
      if (operation.role !== 'read') this.#audit(operator, asked, { outcome: refusal.code });
      return toProblem(refusal);
    }
    const type = request.headers['content-type'];
    const audited: Audited = {};
    const { method } = operation;
    // The body of a request that only looks means nothing (RFC 9110 §9.3.1), and `fetch` knows none.
    const hasBody = text !== '' && method !== 'GET';
    const answer = await this.#app.fetch(
      new Request(toUrl(request)!, {
        method,
        ...(hasBody && { body: text, headers: { 'content-type': type ?? '' } }),
      }),
      { operator, audited },
    );
    if (operation.role !== 'read')
      this.#audit(operator, asked, { ...audited, outcome: answer.ok ? DONE : await readCode(answer) });
    return answer;
  }

  /** A path that is written in another way than its URL is read names nothing: what is looked up is what is carried out. */
  #findOperation(request: IncomingMessage): Operation | undefined {
    const path = (request.url ?? '').split('?')[0] ?? '';
    return toUrl(request)?.pathname === path ? this.#operations.find(request.method ?? 'GET', path) : undefined;
  }

  #audit(
    { by, role, address }: Pick<Operator, 'by' | 'address'> & Partial<Operator>,
    { operation, method, target }: AskedOperation,
    { outcome, before, after }: Audited & { readonly outcome: string },
  ): void {
    const action = operation === undefined ? method : `${operation.method} ${operation.path}`;
    const at = new Date(this.#facts.clock.wallMs()).toISOString();
    const entry = { at, by, role, address, action, target: shorten(target)!, outcome };
    this.#facts.administrations.audit.add({ ...entry, before: shorten(before), after: shorten(after) });
  }

  #toProblemOf(error: Error): Response {
    if (error instanceof GatewayError) return toProblem(error);
    if (error instanceof HTTPException)
      return toProblem(adminErrors.malformedRequest(undefined, { publicDetail: error.message }));
    this.#facts.onFault(error);
    return toProblem(adminErrors.fault());
  }
}

interface AskedOperation {
  readonly operation: Operation | undefined;
  readonly method: string;
  readonly target: string;
}

const documentHead = {
  openapi: '3.1.0',
  info: {
    title: 'Admin API of Gatehouse',
    version: '1',
    description:
      'Each operation says the role that it needs (`x-gatehouse-role`). Changes of endpoints, quotas and the cache do not outlive the process.',
  },
  security: [{ token: [] }],
};

function toUrl(request: IncomingMessage): URL | null {
  return URL.parse(request.url ?? '', 'http://admin');
}

function shorten(text: string | undefined): string | undefined {
  const { auditDetailLengthMax } = limits;
  return text === undefined || text.length <= auditDetailLengthMax ? text : `${text.slice(0, auditDetailLengthMax)}…`;
}

/** Of a problem document, or of a configuration with mistakes. */
async function readCode(answer: Response): Promise<string> {
  if (answer.status === UNPROCESSABLE) return REFUSED;
  const problem: unknown = await answer.clone().json();
  const code = typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined;
  return typeof code === 'string' ? code : String(answer.status);
}

function toProblem(error: GatewayError): Response {
  const { status, type, text, headers } = toProblemAnswer(error);
  return new Response(text, { status, headers: { ...headers, 'content-type': type } });
}

/** `undefined`: it is too large. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const parts: string[] = [];
  let bodyBytes = 0;
  request.setEncoding('utf8');
  // What is left of a body that is too large is read and thrown away by the server, so that the client hears why.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    bodyBytes += Buffer.byteLength(part);
    if (bodyBytes > bytesMax) return undefined;
    parts.push(part);
  }
  return parts.join('');
}

async function send(response: ServerResponse, answer: Response, { isHead }: { readonly isHead: boolean }): Promise<void> {
  const { status, headers, body } = answer;
  const fields = { ...Object.fromEntries(headers), 'cache-control': 'no-store' };
  // What flows is sent as it comes; the rest has a length.
  if (body === null || headers.get('content-type') !== 'text/event-stream') {
    const bytes = Buffer.from(await answer.arrayBuffer());
    const length = status === NO_CONTENT ? {} : { 'content-length': bytes.length };
    response.writeHead(status, { ...fields, ...length });
    response.end(isHead ? undefined : bytes);
    return;
  }
  // Who is gone meanwhile, or wants no more than the head, leaves nothing open behind.
  if (isHead || response.closed) {
    await body.cancel();
    response.writeHead(status, fields).end();
    return;
  }
  response.writeHead(status, fields);
  await pass(body, response);
}

/** Who gives the answer hears at once that nobody reads it any more, also while there is nothing to be said. */
async function pass(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  void closed.then(() => reader.cancel()).catch(() => undefined);
  response.flushHeaders();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (!response.write(read.value)) await Promise.race([once(response, 'drain'), closed]);
  }
  response.end();
}
