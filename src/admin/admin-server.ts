/**
 * Everything on the admin address: the console, `/healthz`, `/readyz`, `/metrics`, and the admin API below `/api`. Runs in the control
 * thread, so it answers even when data threads are busy.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer as createSocketServer, type Socket, type Server as SocketServer } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import type { MetricsFormat } from '#base/metric-text.ts';
import type { SocketAddress } from '#net/address.ts';
import type { AdminApi } from './admin-api.ts';
import { AdminConsole, isConsolePath } from './admin-console.ts';
import { type AdminAccess, admit, toAdminRequest } from './admin-guard.ts';
import type { Administrations } from './administrations.ts';
import { MetricsAnswers } from './metrics-answer.ts';
import { toProblemAnswer } from './problem.ts';

export interface AdminFacts {
  readonly clock: Clock;
  /** Why traffic should not be sent here; `undefined` when it may. */
  reasonNotReady(): string | undefined;
  renderMetrics(format: MetricsFormat): Promise<Buffer>;
  access(): AdminAccess;
  /** Asked for with the first request to the API. */
  loadAdministrations(): Promise<Administrations>;
  /** A fault of ours. */
  onFault(error: unknown): void;
}

/** Texts of PEM files. */
export interface AdminTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities of certificates that clients are asked for. */
  readonly clientCa: string | undefined;
}

export class AdminServer {
  readonly #facts: AdminFacts;
  readonly #pages = new AdminConsole((error) => this.#facts.onFault(error));
  /** Listens, and hands connections on to whoever reads them: TLS comes and goes without the port being given up. */
  readonly #listener: SocketServer;
  readonly #plain: Server;
  #secure: HttpsServer | undefined;
  #tlsDefinition: string | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #metrics: MetricsAnswers;
  #api: Promise<AdminApi> | undefined;

  constructor(facts: AdminFacts) {
    this.#facts = facts;
    this.#metrics = new MetricsAnswers(facts);
    this.#plain = watchOver(createServer((request, response) => this.#onRequest(request, response)));
    this.#listener = createSocketServer((socket) => this.#onSocket(socket));
  }

  /** From now on, new connections have to speak TLS with this certificate; without one, none of them. */
  async follow(tls: AdminTls | undefined): Promise<void> {
    const definition = JSON.stringify(tls);
    if (definition === this.#tlsDefinition) return;
    this.#tlsDefinition = definition;
    // Who was let in by what counted before is not kept for longer than an answer takes.
    this.#plain.closeIdleConnections();
    this.#secure?.close();
    if (tls === undefined) {
      this.#secure = undefined;
      return;
    }
    const { cert, key, clientCa } = tls;
    const { createServer: createHttpsServer } = await import('node:https');
    // Who shows no certificate is refused by the API, so that probes are answered.
    const verification = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
    this.#secure = watchOver(
      createHttpsServer({ cert, key, minVersion: 'TLSv1.2', ...verification }, (request, response) =>
        this.#onRequest(request, response),
      ),
    );
  }

  /** Resolves with the address once it answers. */
  async start(address: SocketAddress): Promise<SocketAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen({ ...address }, () => resolve());
    });
    const bound = this.#listener.address();
    return bound === null || typeof bound === 'string' ? address : { host: bound.address, port: bound.port };
  }

  /** Takes no more connections; requests that run come to their end. Then `stop` is called. */
  retire(): void {
    this.#listener.close();
    this.#plain.closeIdleConnections();
    this.#secure?.closeIdleConnections();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#plain.close();
    this.#secure?.close();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    (this.#secure ?? this.#plain).emit('connection', socket);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0] ?? '';
    if (isConsolePath(path)) return this.#pages.answer(path, request, response);
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
    const refusal = path === '/metrics' ? this.#findMetricsRefusal(request) : undefined;
    if (path === '/metrics' && refusal === undefined) {
      this.#metrics.answer(request, response).catch((error: unknown) => {
        this.#facts.onFault(error);
        response.destroy();
      });
      return;
    }
    const { status, type, text, headers } = refusal === undefined ? toAnswer(path, this.#facts) : toProblemAnswer(refusal);
    response.writeHead(status, { ...headers, 'content-type': type, 'cache-control': 'no-store' });
    response.end(text);
  }

  /** Probes come to every gateway, operators to few. */
  async #loadApi(): Promise<AdminApi> {
    const { AdminApi } = await import('./admin-api.ts');
    const facts = this.#facts;
    const administrations = await facts.loadAdministrations();
    const { clock } = facts;
    return new AdminApi({ clock, access: () => facts.access(), administrations, onFault: (error) => facts.onFault(error) });
  }

  #findMetricsRefusal(request: IncomingMessage): GatewayError | undefined {
    const access = this.#facts.access();
    if (!access.protectsMetrics) return undefined;
    const operator = admit(toAdminRequest(request), access);
    return operator instanceof GatewayError ? operator : undefined;
  }
}

/**
 * Node watches over how long a client takes for a request, and knows which connections are idle, only from when a server listens on.
 * These are handed their connections by another one.
 */
function watchOver<Watched extends Server | HttpsServer>(server: Watched): Watched {
  server.emit('listening');
  return server;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
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
