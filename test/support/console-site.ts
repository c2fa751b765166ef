/** A gateway with services and a console, as a test of the console looks at it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type AnsweringService, startAnsweringService } from './answering-service.ts';
import { type Answer, type Asked, ask } from './ask.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

export interface ConsoleSite {
  /** Of the admin side. */
  readonly address: string;
  readonly gateway: TestGateway;
  readonly orders: AnsweringService;
  readonly catalogue: AnsweringService;
  /** One request to the admin API; `body` is sent as JSON. */
  admin(path: string, method?: string, body?: object): Promise<Answer>;
  /** One request to the gateway. */
  send(path: string, asked?: Asked): Promise<Answer>;
}

/** A configuration with something for every page: limits, a cache, consumers, services with several endpoints. */
export async function startConsoleSite(t: TestContext, input: Partial<GatewayInput> = {}): Promise<ConsoleSite> {
  const orders = await startAnsweringService(t, ({ target }) =>
    target.includes('broken') ? { status: 503, body: '{}' } : '{"order":7}',
  );
  const catalogue = await startAnsweringService(t, ({ response }) => {
    response.setHeader('cache-control', 'max-age=60');
    return '{"articles":[]}';
  });
  const gateway = await startTestGateway({
    admin: { address: '127.0.0.1:0' },
    consumers: { 'mobile-app': { groups: ['gold'], keys: ['key-of-the-mobile-app'] } },
    services: {
      orders: { endpoints: [orders.url, { url: 'http://127.0.0.1:9', weight: 0 }] },
      catalogue: { endpoints: [catalogue.url] },
    },
    routes: {
      orders: {
        match: { host: 'shop.example', path: '/orders/*' },
        policies: { 'rate-limit': { limit: '10000/minute', by: 'ip' }, quota: { limits: ['100000/day'], by: 'ip' } },
        to: 'orders',
      },
      catalogue: { match: { path: '/catalogue/*' }, policies: { cache: {} }, to: 'catalogue' },
      hello: { match: { path: '/hello/:name' }, to: { respond: { json: { hello: '${path.name}' } } } },
    },
    policies: { headers: { response: { set: { 'x-content-type-options': 'nosniff' } } } },
    ...input,
  });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  return {
    address: `http://127.0.0.1:${port}`,
    admin: (path, method = 'GET', body = undefined) =>
      ask(port, path, { method, headers: { 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) }),
    gateway,
    orders,
    catalogue,
    send: (path, { headers, ...asked } = {}) =>
      ask(gateway.port(), path, { ...asked, headers: { host: 'shop.example', ...headers } }),
  };
}
