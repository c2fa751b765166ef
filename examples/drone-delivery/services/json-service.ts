// The start code that the four services share: a small HTTP server that answers JSON and server-sent events.
// Every service built on it also answers `GET /healthz` and names itself in the field `x-served-by`.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const bodyCharactersMax = 16 * 1024;
const connectionsMax = 1_000;

/** One request, as a handler sees it. */
export interface Call {
  /** What the path captured: `{ id: 'ada' }` for `/accounts/:id`. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /** The parsed JSON body; `undefined` when there is none. */
  readonly body: unknown;
  /** Aborts when the client leaves or the service ends, so that a feed knows when to stop. */
  readonly ended: AbortSignal;
}

/** A handler answers with one JSON document or with a feed of events. */
export type Reply =
  | { readonly kind: 'json'; readonly status: number; readonly headers: Record<string, string>; readonly value: unknown }
  | { readonly kind: 'feed'; readonly events: AsyncIterable<unknown> };

/** What a service answers, keyed by method and path: `'GET /accounts/:id'`. */
export type Routes = Readonly<Record<string, (call: Call) => Reply>>;

/** A running service. */
export interface Service {
  readonly name: string;
  /** For what HTTP alone does not cover: WebSockets. */
  readonly server: Server;
  readonly url: string;
  /** Ends the answers that would otherwise never end, so that a gateway in front can drain. */
  endFeeds(): void;
  /** Closes every connection and frees the port. */
  stop(): Promise<void>;
}

/** Answers with one JSON document. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { kind: 'json', status, headers, value };
}

/** Answers with server-sent events, one for each value, until the values end. */
export function feed(events: AsyncIterable<unknown>): Reply {
  return { kind: 'feed', events };
}

/** Answers with the value, or with 404 when there is none. */
export function found(value: unknown): Reply {
  return value === undefined ? json(404, { error: 'not found' }) : json(200, value);
}

/** Starts a service on the loopback address; resolves once it accepts connections. Port 0 takes any free port. */
export async function startJsonService({ name, port, routes }: { name: string; port: number; routes: Routes }): Promise<Service> {
  const table = compileRoutes({ 'GET /healthz': () => json(200, { status: 'ok' }), ...routes });
  const openAnswers = new Set<AbortController>();

  const server = createServer(async (request, response) => {
    const answer = new AbortController();
    openAnswers.add(answer);
    response.once('close', () => {
      openAnswers.delete(answer);
      answer.abort();
    });
    response.setHeader('x-served-by', name);
    try {
      await send(await replyTo(request, table, answer.signal), response, answer.signal);
    } catch (error) {
      // A client that leaves in the middle is everyday life; anything else is a mistake of ours.
      if (!answer.signal.aborted) console.error(`${name} failed to answer ${request.method} ${request.url}:`, error);
      response.destroy();
    }
  });

  server.maxConnections = connectionsMax;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    name,
    server,
    url: `http://127.0.0.1:${portOf(server)}`,
    endFeeds() {
      for (const answer of openAnswers) answer.abort();
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Runs one service as a program of its own, until Ctrl-C or SIGTERM. */
export async function runAlone(start: (port: number) => Promise<Service>, defaultPort: number): Promise<void> {
  const service = await start(Number(process.env['PORT'] ?? defaultPort));
  console.log(`${service.name} ${service.url}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  service.endFeeds();
  await service.stop();
}

type Table = readonly { method: string; path: URLPattern; handler: (call: Call) => Reply }[];

function compileRoutes(routes: Routes): Table {
  return Object.entries(routes).map(([key, handler]) => {
    const [method = '', pathname = ''] = key.split(' ');
    return { method, path: new URLPattern({ pathname }), handler };
  });
}

async function replyTo(request: IncomingMessage, table: Table, ended: AbortSignal): Promise<Reply> {
  const url = URL.parse(request.url ?? '', 'http://localhost');
  if (url === null) return json(400, { error: 'the request target is not a URL' });

  // Whoever answers GET answers HEAD: Node leaves the body out.
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  for (const route of table) {
    const match = route.method === method ? route.path.exec(url) : null;
    if (match === null) continue;
    const body = await readBody(request);
    if (!body.ok) return body.reply;
    return route.handler({ params: match.pathname.groups, query: url.searchParams, body: body.value, ended });
  }
  return json(404, { error: `no ${request.method} ${url.pathname} here` });
}

async function readBody(request: IncomingMessage): Promise<{ ok: true; value: unknown } | { ok: false; reply: Reply }> {
  request.setEncoding('utf8');
  let text = '';
  // Leaving the loop early must not close the connection: the client still has an answer to read.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.length > bodyCharactersMax)
      return { ok: false, reply: json(413, { error: 'the body is too long' }, { connection: 'close' }) };
  }
  try {
    return { ok: true, value: text === '' ? undefined : JSON.parse(text) };
  } catch {
    // Not JSON: the client's mistake, and all that can be said about it.
    return { ok: false, reply: json(400, { error: 'the body is not JSON' }) };
  }
}

async function send(reply: Reply, response: ServerResponse, ended: AbortSignal): Promise<void> {
  if (reply.kind === 'json') {
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(`${JSON.stringify(reply.value, null, 2)}\n`);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  // The client learns at once that the feed is open, even when its first event is far off.
  response.flushHeaders();
  if (response.req.method !== 'HEAD') await pipeline(Readable.from(toEventStream(reply.events, ended)), response);
  else response.end();
}

/** Writes values as server-sent events. An abort is a normal end: the client sees a complete answer. */
async function* toEventStream(events: AsyncIterable<unknown>, ended: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const event of events) yield `data: ${JSON.stringify(event)}\n\n`;
  } catch (error) {
    if (!ended.aborted) throw error;
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
