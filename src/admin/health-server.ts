/** `/healthz`, `/readyz` and `/metrics` on the admin address. Runs in the control thread, so it answers even when data threads are busy. */
import { createServer, type Server } from 'node:http';
import type { SocketAddress } from '#net/address.ts';

export interface AdminFacts {
  /** Why traffic should not be sent here; `undefined` when it may. */
  reasonNotReady(): string | undefined;
  /** In the text form of Prometheus, version 0.0.4. */
  metricsText(): string;
}

export class HealthServer {
  readonly #server: Server;

  constructor(facts: AdminFacts) {
    this.#server = createServer((request, response) => {
      const { status, type, text } = toAnswer(request.url?.split('?')[0] ?? '', facts);
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(text);
    });
  }

  /** Resolves with the address once it answers. */
  async start(address: SocketAddress): Promise<SocketAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...address }, () => resolve());
    });
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? address : { host: bound.address, port: bound.port };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function toAnswer(path: string, facts: AdminFacts): Answer {
  if (path === '/metrics') return { status: 200, type: 'text/plain; version=0.0.4', text: facts.metricsText() };
  if (path === '/healthz') return toJson(200, { status: 'ok' });
  if (path !== '/readyz') return { ...toJson(404, { title: 'Not Found', status: 404 }), type: 'application/problem+json' };
  const reason = facts.reasonNotReady();
  return reason === undefined ? toJson(200, { status: 'ok' }) : toJson(503, { status: 'not ready', reason });
}

function toJson(status: number, value: object): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` };
}
