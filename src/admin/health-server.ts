/** `/healthz` and `/readyz` on the admin address. Runs in the control thread, so it answers even when data threads are busy. */
import { createServer, type Server } from 'node:http';
import type { SocketAddress } from '#net/address.ts';

export interface Readiness {
  /** Why traffic should not be sent here; `undefined` when it may. */
  reasonNotReady(): string | undefined;
}

export class HealthServer {
  readonly #server: Server;

  constructor(readiness: Readiness) {
    this.#server = createServer((request, response) => {
      const path = request.url?.split('?')[0];
      const isKnown = path === '/healthz' || path === '/readyz';
      const reason = path === '/readyz' ? readiness.reasonNotReady() : undefined;
      const status = !isKnown ? 404 : reason === undefined ? 200 : 503;
      const body = !isKnown
        ? { title: 'Not Found', status }
        : reason === undefined
          ? { status: 'ok' }
          : { status: 'not ready', reason };
      response.writeHead(status, {
        'content-type': isKnown ? 'application/json' : 'application/problem+json',
        'cache-control': 'no-store',
      });
      response.end(`${JSON.stringify(body)}\n`);
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
