import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createPolicyBench, type PolicyBenchOptions, plan, planPhases, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { cachePolicy } from './policy.ts';

const FRESH = ['cache-control', 'max-age=60'];

async function benchWith(config: unknown, options: Omit<PolicyBenchOptions, 'policies'> = {}) {
  const clock = new FakeClock();
  const services = {
    clock,
    answers: new SharedAnswers(provideAnswerMemory({ bytes: 1024 * 1024, threads: 1 }), { clock, threadNumber: 0 }),
  };
  const policy = await plan(cachePolicy, config, services);
  let count = 0;
  const upstream = (): UpstreamAnswer => {
    count += 1;
    return { fields: FRESH, body: ['answer ', String(count)] };
  };
  return { bench: createPolicyBench({ policies: [policy], upstream, ...options }), services, policy };
}

test('answers again from what the service has said', async () => {
  const { bench } = await benchWith({});
  const [first, second] = [await bench.send(), await bench.send()];
  assert.deepEqual([first.text, second.text, bench.seen.length], ['answer 1', 'answer 1', 1]);
  assert.deepEqual([first.values('age'), second.values('age')], [[], ['0']]);
  assert.deepEqual([first.exchange.cacheResult, second.exchange.cacheResult], ['miss', 'hit']);
  assert.equal(first.exchange.serviceName, 'orders');
});

test('refuses what may be answered only from the cache', async () => {
  const { bench } = await benchWith({});
  const answer = await bench.send({ fields: ['cache-control', 'only-if-cached'] });
  assert.equal(answer.status, 504);
  assert.match(answer.text, /GH_CACHE_ONLY_IF_CACHED/);
});

test('an answer of just the length that may be kept is kept, and one byte more is not', async () => {
  for (const [length, asked] of [
    [1_024, 1],
    [1_025, 2],
  ] as const) {
    const upstream = () => ({ fields: FRESH, body: ['x'.repeat(1_000), 'y'.repeat(length - 1_000)] });
    const { bench } = await benchWith({ maxObject: '1KiB' }, { upstream });
    for (let i = 0; i < 2; i++) assert.equal((await bench.send()).text.length, length);
    assert.equal(bench.seen.length, asked);
  }
});

test('a body of a QUERY that is too long is refused, and one that is not is asked with', async () => {
  const { bench } = await benchWith({ maxRequestBody: '1KiB' });
  const send = (length: number) => bench.send({ method: 'QUERY', body: ['x'.repeat(500), 'x'.repeat(length - 500)] });
  assert.equal((await send(1_025)).status, 413);
  assert.equal((await send(1_024)).status, 200);
  assert.equal(bench.seen[0]?.body.join('').length, 1_024);
  assert.equal((await send(1_024)).exchange.cacheResult, 'hit');
});

test('what other policies do to answers is not kept', async () => {
  let count = 0;
  const stamping = planPhases({
    responseHead(_, response) {
      count += 1;
      response.fields.push('x-count', String(count));
    },
  });
  const { policy } = await benchWith({});
  const bench = createPolicyBench({ policies: [stamping, policy], upstream: () => ({ fields: FRESH, body: ['a'] }) });
  const [first, second] = [await bench.send(), await bench.send()];
  assert.deepEqual([first.values('x-count'), second.values('x-count'), bench.seen.length], [['1'], ['2'], 1]);
});

test('a failure of the service is the client’s to hear, and is not kept', async () => {
  let isDown = true;
  const upstream = () => (isDown ? { error: upstreamErrors.unreachable() } : { fields: FRESH, body: ['back'] });
  const { bench } = await benchWith({ ttl: { '5xx': '1m' } }, { upstream });
  const failed = await bench.send();
  assert.deepEqual([failed.status, failed.exchange.error?.code], [502, 'GH_UPSTREAM_UNREACHABLE']);
  isDown = false;
  assert.equal((await bench.send()).text, 'back');
});

test('an answer that breaks off is broken off, and not kept', async () => {
  let isBroken = true;
  const upstream = () => ({ fields: FRESH, body: ['ab'], ...(isBroken && { error: upstreamErrors.truncatedBody() }) });
  const { bench } = await benchWith({}, { upstream });
  const broken = await bench.send();
  assert.deepEqual([broken.isBrokenOff, broken.text], [true, 'ab']);
  isBroken = false;
  assert.equal((await bench.send()).exchange.cacheResult, 'miss');
});

test('another configuration at the same place goes on with what is kept', async () => {
  const { bench, services } = await benchWith({});
  await bench.send();
  bench.reload([await plan(cachePolicy, { ttl: '5m' }, services)]);
  assert.equal((await bench.send()).exchange.cacheResult, 'hit');
  bench.reload([await plan(cachePolicy, {}, { ...services, place: 'elsewhere' })]);
  assert.equal((await bench.send()).exchange.cacheResult, 'miss');
});

test('tells what it does', async () => {
  const config = (await cachePolicy.loadConfig()).parse({ ttl: { 200: '5m', 404: '10s' }, key: 'claim.team', perConsumer: true });
  assert.equal(
    cachePolicy.describe?.(config),
    'keeps answers to GET, QUERY, without a word of theirs for 200 5m, 404 10s, by claim.team, for each consumer',
  );
});
