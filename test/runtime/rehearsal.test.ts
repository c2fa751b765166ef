/** A configuration that is tried out: requests go through all of it, and what upstreams would answer is said by the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import { loadConfigurationValue } from '#config/load.ts';
import type { StubbedRequest } from '#http/stubbed-upstream.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';

const configuration = {
  version: 1,
  accessLog: false,
  listeners: { web: { address: '127.0.0.1:0' } },
  services: { orders: { endpoints: ['http://orders.invalid:3000'] }, spare: { endpoints: ['http://spare.invalid'] } },
  routes: {
    orders: {
      match: { path: '/orders/*' },
      to: 'orders',
      policies: { headers: { request: { set: { 'x-tier': 'gold' } } } },
    },
  },
};

test('a request goes through the configuration, and the stub answers in the place of the service', async () => {
  const asked: StubbedRequest[] = [];
  const control = new Control({
    clock: systemClock,
    logger: silentLogger,
    load: () => loadConfigurationValue(configuration, process.cwd(), { policies: policyOrder, env: {} }),
    threads: 0,
    watches: false,
    rehearsal: {
      upstreams: {
        answer(request) {
          asked.push(request);
          if (request.target === '/orders/broken') return upstreamErrors.unreachable();
          return { status: 201, fields: ['x-from', request.service], body: Buffer.from(`got ${request.body.toString()}`) };
        },
      },
    },
  });
  const prepared = await control.prepareInjection();
  assert.ok(!('issues' in prepared), JSON.stringify(prepared));
  const answer = await prepared.inject({ method: 'POST', url: 'http://shop.example/orders/7', body: 'hello' });
  assert.equal(answer.status, 201);
  assert.equal(answer.text(), 'got hello');
  assert.equal(answer.headers['x-from'], 'orders');
  assert.equal(asked[0]?.service, 'orders');
  assert.equal(asked[0]?.endpoint, 'http://orders.invalid:3000');
  assert.ok(asked[0]?.fields.join().includes('x-tier,gold'), 'policies have shaped it');
  const refused = await prepared.inject({ url: '/orders/broken' });
  assert.equal(refused.status, 502);
  assert.equal((await prepared.inject({ url: '/nowhere' })).status, 404);
  await control.stop();
});
