/** A gateway with a cache in front of a service that answers as a test says. Time passes only when the test lets it. */
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { FakeClock } from './fake-clock.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

/**
 * The gateway sees the time only from tick to tick. What begins between a jump of the clock and the next tick has waited, for the
 * gateway, since before the jump.
 */
const NEVER = '20d';

/** What the service does with a request. */
export interface ServiceAnswer {
  readonly status?: number;
  /** Names and values, alternating. A `date` is added, the present one, unless there is one or it is `false`. */
  readonly fields?: readonly string[];
  readonly hasDate?: boolean;
  readonly body?: string | Buffer;
  /** The length is not announced. */
  readonly isChunked?: boolean;
  /** After so much of the body, the connection is ended. */
  readonly breaksOffAfter?: number;
  /** No answer at all. */
  readonly isLost?: boolean;
  /** The head, and the body, wait for these. */
  readonly beforeHead?: Promise<unknown>;
  readonly beforeEnd?: Promise<unknown>;
  /** Informational answers before it. */
  readonly hints?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  field(name: string): string | undefined;
}

export interface SiteRequest {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** Names and values, alternating; a name may be there several times. */
  readonly fields?: readonly string[];
  readonly body?: string;
  /** Ends the request from the client's side. */
  readonly signal?: AbortSignal;
}

export interface SiteAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  /** First value of a field. */
  field(name: string): string | undefined;
  values(name: string): readonly string[];
}

export type ServiceScript = (request: SeenRequest, count: number) => ServiceAnswer;

export interface CacheSite {
  readonly clock: FakeClock;
  readonly gateway: TestGateway;
  /** What the service was asked. */
  readonly seen: readonly SeenRequest[];
  /** What it answers from now on. */
  script: ServiceScript;
  ask(request?: SiteRequest): Promise<SiteAnswer>;
  /** An HTTP date that lies so many seconds from now. */
  date(seconds?: number): string;
  /** How many requests were given up before the service had answered. */
  readonly abandonedCount: number;
  /** Resolves when the service has been asked so often. */
  untilSeen(count: number): Promise<void>;
}

/** `policies`: of the route, `cache` among them. */
export async function startCacheSite(
  t: TestContext,
  { cache = {}, policies = {}, more = {} }: { cache?: object; policies?: object; more?: Partial<GatewayInput> } = {},
): Promise<CacheSite> {
  const clock = new FakeClock();
  const seen: SeenRequest[] = [];
  const waiters = new Set<() => void>();
  const site = { script: (() => ({})) as ServiceScript, abandonedCount: 0 };
  const server = createServer((incoming, response) => {
    response.once('close', () => {
      if (!response.writableEnded) site.abandonedCount += 1;
    });
    void readBody(incoming).then(async (body) => {
      const request = toSeen(incoming, body);
      seen.push(request);
      for (const wake of [...waiters]) wake();
      await answer(response, site.script(request, seen.length), () => clock.wallMs());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const input = {
    listeners: { web: { address: '127.0.0.1:0', timeouts: { head: NEVER, bodyIdle: NEVER, keepAlive: NEVER } } },
    services: {
      shop: { endpoints: [`http://127.0.0.1:${port}`], timeouts: { connect: NEVER, firstByte: NEVER, idle: NEVER } },
    },
    routes: { all: { match: { path: '/*' }, to: 'shop', policies: { ...policies, cache } } },
    ...more,
  } as Partial<GatewayInput>;
  const gateway = await startTestGateway(input, { clock });
  t.after(async () => {
    await gateway.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    clock,
    gateway,
    seen,
    get script() {
      return site.script;
    },
    set script(script) {
      site.script = script;
    },
    get abandonedCount() {
      return site.abandonedCount;
    },
    ask: (request = {}) => ask(gateway.port(), request),
    date: (seconds = 0) => new Date(clock.wallMs() + seconds * 1_000).toUTCString(),
    async untilSeen(count) {
      while (seen.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiters.add(resolve);
        await promise;
        waiters.delete(resolve);
      }
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of incoming) body += String(chunk);
  return body;
}

function toSeen({ method = '', url = '', rawHeaders }: IncomingMessage, body: string): SeenRequest {
  const fields = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return { method, url, body, field: (name) => getField(fields, name) };
}

async function answer(response: ServerResponse, told: ServiceAnswer, wallMs: () => number): Promise<void> {
  const { status = 200, fields = [], body = 'ok', hasDate = true, isChunked = false } = told;
  if (told.hints !== undefined) response.writeEarlyHints(told.hints);
  await told.beforeHead;
  if (told.isLost === true) return void response.socket?.destroy();
  const bytes = Buffer.from(body);
  const lines = [...fields];
  if (hasDate && getField(fields, 'date') === undefined) lines.push('date', new Date(wallMs()).toUTCString());
  const hasBody = status !== 204 && status !== 304;
  if (hasBody && !isChunked && getField(fields, 'content-length') === undefined)
    lines.push('content-length', String(bytes.length));
  response.sendDate = false;
  // Time that jumps would end an idle connection just when it is used again.
  response.shouldKeepAlive = false;
  response.writeHead(status, lines);
  if (!hasBody || response.req.method === 'HEAD') return void response.end();
  if (told.breaksOffAfter !== undefined) {
    response.write(bytes.subarray(0, told.breaksOffAfter), () => response.socket?.destroySoon());
    return;
  }
  if (told.beforeEnd !== undefined) {
    response.write(bytes.subarray(0, 1));
    await told.beforeEnd;
    return void response.end(bytes.subarray(1));
  }
  response.end(bytes);
}

function ask(
  port: number,
  { method = 'GET', path = '/', host = 'shop', fields = [], body, signal }: SiteRequest,
): Promise<SiteAnswer> {
  return new Promise((resolve, reject) => {
    const headers: string[] = ['host', host, ...fields];
    if (body !== undefined) headers.push('content-length', String(Buffer.byteLength(body)));
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false, setHost: false };
    const sent = sendRequest({ ...options, ...(signal && { signal }) }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => void pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const lines = response.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
        resolve({
          status: response.statusCode ?? 0,
          fields: lines,
          body: Buffer.concat(pieces).toString('latin1'),
          field: (name) => getField(lines, name),
          values: (name) => getFieldValues(lines, name),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
