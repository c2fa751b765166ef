/** Requests with a key at several threads, and at several gateways with a Redis server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { readAnswers } from '#test/support/answers.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/programs.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { RedisServer } from '#test/support/redis-server.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const redis = needs('redis-server');
const THREADS = 2;
const CLIENTS = 12;
const ORDER = 'POST /orders HTTP/1.1\r\nhost: shop\r\nidempotency-key: a\r\ncontent-length: 1\r\n\r\n7';

type Idempotency = Exclude<NonNullable<NonNullable<GatewayInput['policies']>['idempotency']>, false>;

const toInput = (url: string, idempotency: Idempotency, more: Partial<GatewayInput> = {}): Partial<GatewayInput> => ({
  services: { shop: { endpoints: [url] } },
  routes: { all: { match: { path: '/*' }, policies: { idempotency }, to: 'shop' } },
  ...more,
});

async function startCounting() {
  let count = 0;
  const upstream = await startRawUpstream((connection, chunk) => {
    for (let i = 1; i < chunk.split('POST ').length; i++) {
      count += 1;
      connection.send(`HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\norder ${String(count).padStart(4, '0')}`);
    }
  });
  return { upstream, countAsked: () => count };
}

/** Each over a connection of its own; all answers. */
async function askAll(ports: readonly number[]): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => RawClient.open(ports[i % ports.length]!)));
  for (const client of clients) client.send(ORDER);
  const isAnswered = ({ received }: RawClient) => readAnswers(received).answers.length === 1;
  await eventually(() => clients.every(isAnswered), 'all are answered');
  for (const client of clients) client.close();
  return clients.map(({ received }) => received);
}

test('all threads of a gateway send a request once', async (t) => {
  const { upstream, countAsked } = await startCounting();
  const gateway = await startTestGateway(toInput(upstream.url, {}), { threads: THREADS });
  t.after(async () => {
    await gateway.stop();
    await upstream.close();
  });
  const answers = [...(await askAll([gateway.port()])), ...(await askAll([gateway.port()]))];
  assert.ok(answers.every((answer) => answer.endsWith('order 0001')));
  assert.equal(countAsked(), 1);
  // What was kept outlives a configuration.
  assert.deepEqual(await gateway.reconfigure(toInput(upstream.url, { ttl: '1h' })), []);
  assert.ok((await askAll([gateway.port()])).every((answer) => answer.endsWith('order 0001')));
  assert.equal(countAsked(), 1);
});

test('several gateways send a request once', redis, async (t) => {
  const { upstream, countAsked } = await startCounting();
  t.after(() => upstream.close());
  const server = await RedisServer.start(t);
  const input = toInput(upstream.url, { store: 'redis' }, { stores: { redis: { url: server.url, timeout: '10s' } } });
  const gateways = await Promise.all([0, 1].map(() => startTestGateway(input)));
  t.after(() => Promise.all(gateways.map((gateway) => gateway.stop())));
  const ports = gateways.map((gateway) => gateway.port());
  const answers = [...(await askAll(ports)), ...(await askAll(ports))];
  assert.ok(answers.every((answer) => answer.endsWith('order 0001')));
  assert.equal(countAsked(), 1);
});

test('while the store is away, requests with a key are refused and others are not', redis, async (t) => {
  const { upstream } = await startCounting();
  t.after(() => upstream.close());
  const server = await RedisServer.start(t);
  const input = toInput(upstream.url, { store: 'redis' }, { stores: { redis: { url: server.url, timeout: '10s' } } });
  const gateway = await startTestGateway(input);
  t.after(() => gateway.stop());
  assert.match((await askAll([gateway.port()]))[0]!, /201 Created/);
  await server.kill();
  assert.ok((await askAll([gateway.port()])).every((answer) => answer.includes('GH_IDEMPOTENCY_STORE_UNAVAILABLE')));
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send(ORDER.replace(/idempotency-key: a\r\n/, ''));
  assert.match(await client.until(/order \d{4}/), /201 Created/);
});

test('a store that the configuration does not have is missed when it is checked', async (t) => {
  await assert.rejects(
    startTestGateway(toInput('http://127.0.0.1:1', { store: 'redis' })).then((gateway) => t.after(() => gateway.stop())),
    /stores/,
  );
});
