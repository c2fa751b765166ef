/**
 * Everything on the admin address: the console, `/healthz`, `/readyz`, `/metrics`, and the admin API below `/api`. Runs in the control
 * thread, so it answers even when data threads are busy.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { MetricsFormat } from '#base/metric-text.ts';
import type { SocketAddress } from '#net/address.ts';
import type { AdminApi } from './admin-api.ts';
import { AdminConsole, isConsolePath } from './admin-console.ts';
import type { AdminAccess } from './admin-guard.ts';
import type { Administrations } from './administrations.ts';
import { answerMetrics } from './metrics-answer.ts';

export interface AdminFacts {
  /** Why traffic should not be sent here; `undefined` when it may. */
  reasonNotReady(): string | undefined;
  renderMetrics(format: MetricsFormat): Promise<string>;
  access(): AdminAccess;
  /** Asked for with the first request to the API. */
  loadAdministrations(): Promise<Administrations>;
  /** A fault of ours. */
  onFault(error: unknown): void;
}

export class AdminServer {
  readonly #facts: AdminFacts;
  readonly #console = new AdminConsole((error) => this.#facts.onFault(error));
  readonly #server: Server;
  #api: Promise<AdminApi> | undefined;

  constructor(facts: AdminFacts) {
    this.#facts = facts;
    this.#server = createServer((request, response) => this.#onRequest(request, response));
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

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0] ?? '';
    if (isConsolePath(path)) return this.#console.answer(path, request, response);
    if (path === '/api' || path.startsWith('/api/')) {
      this.#api ??= this.#loadApi();
      this.#api
        .then((api) => api.answer(request, response))
        .catch((error: unknown) => {
          this.#api = undefined;
          this.#facts.onFault(error);
          response.destroy();
        });
      return;
    }
    if (path === '/metrics') {
      answerMetrics(request, response, this.#facts).catch((error: unknown) => {
        this.#facts.onFault(error);
        response.destroy();
      });
      return;
    }
    const { status, type, text } = toAnswer(path, this.#facts);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(text);
  }

  /** Probes come to every gateway, operators to few. */
  async #loadApi(): Promise<AdminApi> {
    const { AdminApi } = await import('./admin-api.ts');
    const facts = this.#facts;
    const administrations = await facts.loadAdministrations();
    return new AdminApi({ access: () => facts.access(), administrations, onFault: (error) => facts.onFault(error) });
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function toAnswer(path: string, facts: AdminFacts): Answer {
  if (path === '/healthz') return toJson(200, { status: 'ok' });
  if (path !== '/readyz') return { ...toJson(404, { title: 'Not Found', status: 404 }), type: 'application/problem+json' };
  const reason = facts.reasonNotReady();
  return reason === undefined ? toJson(200, { status: 'ok' }) : toJson(503, { status: 'not ready', reason });
}

function toJson(status: number, value: object): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` };
}
