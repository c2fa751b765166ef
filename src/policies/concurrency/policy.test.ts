import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { concurrencyPolicy } from './policy.ts';

/** A service that answers `/fast` and nothing else. */
const upstream = ({ target }: { readonly target: string }) => (target === '/fast' ? { body: ['served'] } : undefined);

async function benchWith(config: unknown) {
  const services = createPolicyServices();
  const bench = createPolicyBench({ policies: [await plan(concurrencyPolicy, config, services)], upstream });
  return { bench, services };
}

test('lets as many run as the limit says, refuses the next, and lets one pass when one is over', async () => {
  const { bench } = await benchWith({ limit: 2 });
  const [first, second] = [bench.start(), bench.start()];
  assert.equal((await bench.send({ url: '/fast' })).status, 429);
  first!.leave();
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
  assert.equal((await bench.send({ url: '/fast' })).status, 200, 'one that was answered is over');
  second!.leave();
});

test('a refusal says how many may run and when to come again', async () => {
  const { bench } = await benchWith({ limit: 1, status: 503, retryAfter: '5s', by: 'header.x-api-key' });
  const fields = ['x-api-key', 'hunter2'];
  const running = bench.start({ fields });
  const answer = await bench.send({ url: '/fast', fields });
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.values('retry-after'), ['5']);
  assert.match(answer.text, /"detail":"There are too many requests at the same time: at most 1\."/);
  assert.deepEqual(answer.exchange.error?.detail, { limit: 1, by: 'header.x-api-key' });
  running.leave();
});

test('counts each key for itself', async () => {
  const { bench } = await benchWith({ limit: 1, by: 'header.x-team' });
  const running = bench.start({ fields: ['x-team', 'a'] });
  assert.equal((await bench.send({ url: '/fast', fields: ['x-team', 'b'] })).status, 200);
  assert.equal((await bench.send({ url: '/fast', fields: ['x-team', 'a'] })).status, 429);
  running.leave();
});

test('what another policy refuses or breaks takes no place for longer', async () => {
  const services = createPolicyServices();
  const counted = await plan(concurrencyPolicy, { limit: 1 }, services);
  const breaks = planPhases({
    requestHead(exchange) {
      if (exchange.request.path === '/broken') assert.fail('a policy failed');
      return exchange.request.path === '/answered'
        ? { status: 204, fields: [], contentLengthBytes: 0, body: undefined }
        : undefined;
    },
  });
  const bench = createPolicyBench({ policies: [counted, breaks], upstream });
  for (let i = 0; i < 3; i++) {
    assert.equal((await bench.send({ url: '/broken' })).status, 500);
    assert.equal((await bench.send({ url: '/answered' })).status, 204);
  }
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
});

test('an exchange is counted while a later policy waits, and no longer when its client leaves meanwhile', async () => {
  const services = createPolicyServices();
  const counted = await plan(concurrencyPolicy, { limit: 1 }, services);
  const gate = Promise.withResolvers<undefined>();
  const waits = planPhases({ requestHead: ({ request }) => (request.path === '/fast' ? undefined : gate.promise) });
  const bench = createPolicyBench({ policies: [counted, waits], upstream });
  const waiting = bench.start({ url: '/slow' });
  assert.equal((await bench.send({ url: '/fast' })).status, 429);
  waiting.leave();
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
  gate.resolve(undefined);
  await gate.promise;
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
});

test('with `mode: report` nothing is refused, and what was never counted is not given back', async () => {
  const { bench } = await benchWith({ limit: 1, mode: 'report' });
  const running = [bench.start(), bench.start()];
  const { exchange } = await bench.send({ url: '/fast' });
  assert.equal(exchange.reported?.code, 'GH_CONCURRENCY_EXCEEDED');
  assert.equal(exchange.error, undefined);
  running[1]!.leave();
  assert.equal((await bench.send({ url: '/fast' })).exchange.reported?.code, 'GH_CONCURRENCY_EXCEEDED');
  running[0]!.leave();
  assert.equal((await bench.send({ url: '/fast' })).exchange.reported, undefined);
});

test('a reload with another limit goes on with what runs, which gives its places back', async () => {
  const { bench, services } = await benchWith({ limit: 2 });
  const running = [bench.start(), bench.start()];
  bench.reload([await plan(concurrencyPolicy, { limit: 3 }, services)]);
  const third = bench.start();
  assert.equal((await bench.send({ url: '/fast' })).status, 429);
  running[0]!.leave();
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
  bench.reload([await plan(concurrencyPolicy, { limit: 1 }, services)]);
  running[1]!.leave();
  assert.equal((await bench.send({ url: '/fast' })).status, 429, 'the third still runs');
  third.leave();
  assert.equal((await bench.send({ url: '/fast' })).status, 200);
});

test('a client of gRPC is told that its resources are exhausted', async () => {
  const { bench } = await benchWith({ limit: 1, status: 503 });
  const running = bench.start();
  const answer = await bench.send({ method: 'POST', fields: ['content-type', 'application/grpc'], body: [] });
  assert.deepEqual([answer.status, ...answer.values('grpc-status')], [200, '8']);
  running.leave();
});
