import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import type { ForwardRules } from '#forward/forward-rules.ts';
import { toForwardRules } from './forward-rules.ts';

async function compile(service: string, route = ''): Promise<ForwardRules> {
  const text = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders:3000], ${service} } }
routes: { all: { match: {}, to: orders, ${route} } }
`;
  const { configuration, issues } = await loadConfigurationText(text, '/f.yaml', { policies: [], env: {} });
  assert.ok(configuration !== undefined, JSON.stringify(issues));
  return toForwardRules(
    { name: 'orders', settings: configuration.services['orders']! },
    { name: 'all', settings: configuration.routes['all']! },
  );
}

test('a service that says nothing has what the defaults say', async () => {
  const { retry, hedge, timeouts, attemptLimit, requestLimit } = await compile('');
  assert.equal(retry.furtherAttemptsMax, 2);
  assert.deepEqual([...retry.conditions], ['connect', 'refused', 'reset', 'timeout']);
  assert.equal(retry.statuses.size + retry.grpcStatuses.size, 0);
  assert.ok(retry.methods.has('PUT') && !retry.methods.has('POST') && !retry.methods.has('PATCH'));
  assert.deepEqual([hedge, attemptLimit, requestLimit], [undefined, undefined, undefined]);
  assert.deepEqual(timeouts.firstByte, { ms: 60_000, setting: 'services.orders.timeouts.firstByte' });
});

test('each setting of a route takes the place of the one of its service, and the rest stays', async () => {
  const service =
    'timeouts: { attempt: 1s, request: 9s }, retry: { attempts: 5, on: [connect, 503], methods: [POST], bodyMax: 1KiB, budget: { ratio: 5% } }';
  const { retry, timeouts, attemptLimit, requestLimit } = await compile(
    service,
    'timeouts: { request: 3s, idle: 2s }, retry: { attempts: 1, on: [reset], bodyMax: 2KiB }',
  );
  assert.deepEqual(requestLimit, { ms: 3_000, setting: 'routes.all.timeouts.request' });
  assert.deepEqual(attemptLimit, { ms: 1_000, setting: 'services.orders.timeouts.attempt' });
  assert.deepEqual(timeouts.idle, { ms: 2_000, setting: 'routes.all.timeouts.idle' });
  assert.equal(retry.furtherAttemptsMax, 1);
  assert.deepEqual([...retry.conditions], ['reset']);
  assert.equal(retry.statuses.size, 0);
  assert.ok(retry.methods.has('POST') && retry.methods.has('GET'));
  assert.deepEqual([retry.bodyBytesMax, retry.bodySetting], [2_048, 'routes.all.retry.bodyMax']);
  assert.deepEqual(retry.budget, { ratio: 0.05, minPerSecond: 3 });
});

test('statuses of gRPC become their numbers, those of the route in the place of those of the service', async () => {
  const service = 'retry: { grpcStatuses: [unavailable, deadline-exceeded] }';
  assert.deepEqual([...(await compile(service)).retry.grpcStatuses], [14, 4]);
  assert.deepEqual([...(await compile(service, 'retry: { grpcStatuses: [aborted] }')).retry.grpcStatuses], [10]);
  assert.deepEqual([...(await compile(service, 'retry: { attempts: 1 }')).retry.grpcStatuses], [14, 4]);
});

test('`false` of the service or of the route makes no further attempts; a route may want some all the same', async () => {
  assert.equal((await compile('retry: false')).retry.furtherAttemptsMax, 0);
  assert.equal((await compile('', 'retry: false')).retry.furtherAttemptsMax, 0);
  const { retry } = await compile('retry: false', 'retry: { methods: [PATCH] }');
  assert.equal(retry.furtherAttemptsMax, 2);
  assert.ok(retry.methods.has('PATCH'));
});
