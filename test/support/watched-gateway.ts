/** A gateway whose exchanges are watched: asked with a debug token, tapped over the admin API, or looked for among those that failed. */
import assert from 'node:assert/strict';
import { type ClientRequest, request } from 'node:http';
import type { TestContext } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { Secret } from '#base/secret.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import { type DebugGrant, makeDebugToken } from '#runtime/debug-token.ts';
import { type Answer, type Asked, ask } from './ask.ts';
import { eventually, eventuallyAnswers } from './eventually.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './test-gateway.ts';

const DEBUG_KEY = '0123456789abcdef0123456789abcdef';

export type ShownRecord = ExchangeRecord;

/** What a document of an explanation may hold. */
export interface ShownDocument {
  readonly route?: { readonly name: string; readonly because: readonly string[]; readonly policies: readonly string[] };
  readonly nearMisses: readonly { readonly route: string; readonly because: string }[];
  readonly fields?: readonly (readonly [string, string])[];
  readonly live: ShownRecord;
}

export interface OpenTap {
  /** Everything that has come, event by event. */
  readonly exchanges: readonly ShownRecord[];
  readonly droppedCount: number;
  readonly hasEnded: boolean;
  /** Resolves with the first `count`. */
  until(count: number): Promise<readonly ShownRecord[]>;
  pause(): void;
  resume(): void;
  leave(): void;
}

export interface WatchedGateway {
  readonly gateway: TestGateway;
  readonly adminPort: number;
  admin(path: string, asked?: Asked): Promise<Answer & { readonly json: unknown }>;
  /** A request with a token that may see everything, or what is said here. */
  debug(path: string, asked?: Asked, grant?: Partial<DebugGrant>): Promise<Answer>;
  /** The document of the last answer of `debug`, or of any exchange that is kept. */
  explained(answer: Pick<Answer, 'headers'>): Promise<ShownDocument>;
  errors(route?: string): Promise<readonly ShownRecord[]>;
  tap(query?: string): Promise<OpenTap>;
}

export function makeTestToken(grant: Partial<DebugGrant> = {}): string {
  const expiresMs = systemClock.wallMs() + 600_000;
  return makeDebugToken({ expiresMs, route: undefined, path: undefined, sees: 'document', ...grant }, new Secret(DEBUG_KEY));
}

export async function startWatchedGateway(
  t: TestContext,
  input: Partial<GatewayInput>,
  options: TestGatewayOptions = {},
): Promise<WatchedGateway> {
  const watched = { admin: { address: '127.0.0.1:0' }, debug: { key: DEBUG_KEY }, ...input };
  const gateway = await startTestGateway(watched, options);
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const adminPort = started.admin.port;
  const admin: WatchedGateway['admin'] = async (path, asked) => {
    const answer = await ask(adminPort, path, asked);
    return { ...answer, json: JSON.parse(answer.body) };
  };
  return {
    gateway,
    adminPort,
    admin,
    debug: (path, asked = {}, grant = {}) =>
      ask(gateway.port(), path, { ...asked, headers: { ...asked.headers, 'gatehouse-debug': makeTestToken(grant) } }),
    async explained({ headers }) {
      const id = /^id=([^;]+)/.exec(String(headers['gatehouse-debug']))?.[1];
      // It is kept when the exchange is over, perhaps behind its answer and from another thread.
      return eventuallyAnswers(async () => {
        const { status, json, body } = await admin(`/api/explained/${id}`);
        assert.equal(status, 200, `no exchange ${id} is kept: ${body}`);
        return json as ShownDocument;
      });
    },
    async errors(route) {
      const { json } = await admin(`/api/errors${route === undefined ? '' : `?route=${route}`}`);
      return (json as { errors: ShownRecord[] }).errors;
    },
    tap: (query = '') => openTap(t, adminPort, query),
  };
}

async function openTap(t: TestContext, port: number, query: string): Promise<OpenTap> {
  const exchanges: ShownRecord[] = [];
  const state = { text: '', droppedCount: 0, isReady: false, hasEnded: false };
  const sent: ClientRequest = request({ host: '127.0.0.1', port, path: `/api/tap${query}`, agent: false });
  t.after(() => sent.destroy());
  const onEvent = (event: string) => {
    if (event.startsWith(':')) state.isReady = true;
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data === undefined) return;
    const value = JSON.parse(data);
    if (event.startsWith('event: dropped')) state.droppedCount += value.count;
    else exchanges.push(value);
  };
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject).end();
  });
  assert.equal(response.statusCode, 200);
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  response.on('close', () => {
    state.hasEnded = true;
  });
  response.on('data', (chunk: string) => {
    state.text += chunk;
    const events = state.text.split('\n\n');
    state.text = events.pop()!;
    for (const event of events) onEvent(event);
  });
  await eventually(() => state.isReady, 'the tap is ready');
  return {
    exchanges,
    get droppedCount() {
      return state.droppedCount;
    },
    get hasEnded() {
      return state.hasEnded;
    },
    async until(count) {
      await eventually(() => exchanges.length >= count, `${count} exchanges were tapped`);
      return exchanges.slice(0, count);
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void sent.destroy(),
  };
}
