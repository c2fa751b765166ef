/** A gateway with a batch at `/batch`, and behind its other routes a service that tells what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Clock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type Answer, ask } from './ask.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

export interface Entry {
  readonly id?: string | number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** What the service was asked, as it tells. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface BatchBench {
  readonly gateway: TestGateway;
  /** In the order in which they came to the service. */
  readonly seen: readonly Seen[];
  /** Answers of the service that are not whole yet. */
  readonly open: ReadonlySet<ServerResponse>;
  /** Sends a body as it is. */
  post(body: string | Buffer, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Sends requests; fails unless they are answered as a batch. */
  send(requests: readonly unknown[], headers?: Readonly<Record<string, string>>): Promise<readonly Entry[]>;
  /** Sends one. */
  sendOne(request: unknown, headers?: Readonly<Record<string, string>>): Promise<Entry>;
}

type Handler = (response: ServerResponse, seen: Seen, request: IncomingMessage) => void;

export interface BatchBenchOptions {
  readonly batch?: Record<string, unknown>;
  readonly input?: Partial<GatewayInput>;
  readonly clock?: Clock;
  /** By path: what the service does instead of telling what it was asked. */
  readonly handlers?: Readonly<Record<string, Handler>>;
}

export async function startBatchBench(t: TestContext, options: BatchBenchOptions = {}): Promise<BatchBench> {
  const { handlers = {}, batch = {}, input = {}, clock } = options;
  const seen: Seen[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const told: Seen = { method, url, headers: headers as Record<string, string>, body };
      seen.push(told);
      open.add(response);
      response.on('close', () => open.delete(response));
      const handler = handlers[url.split('?')[0]!];
      if (handler !== undefined) return handler(response, told, request);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(told));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [`http://127.0.0.1:${port}`] } },
      ...input,
      routes: {
        batch: { match: { path: '/batch' }, to: { batch } },
        all: { match: { path: '/*' }, to: 'main' },
        ...input.routes,
      },
    },
    clock === undefined ? {} : { clock },
  );
  t.after(() => gateway.stop());
  const post: BatchBench['post'] = (body, headers = {}) =>
    ask(gateway.port(), '/batch', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  const send: BatchBench['send'] = async (requests, headers) => {
    const answer = await post(JSON.stringify({ requests }), headers);
    if (answer.status >= 300) throw new Error(`the batch was answered with ${answer.status}: ${answer.body}`);
    return (JSON.parse(answer.body) as { responses: Entry[] }).responses;
  };
  return {
    gateway,
    seen,
    open,
    post,
    send,
    async sendOne(request, headers) {
      const [entry] = await send([request], headers);
      return entry!;
    },
  };
}

/** What the service was asked, from an answer in which it tells. */
export function seenIn({ body }: Entry): Seen {
  return body as Seen;
}

export function codeIn({ body }: Entry): string | undefined {
  return (body as { code?: string } | undefined)?.code;
}
