import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { readEndpointUrl } from '#schema/endpoint-url.ts';
import { eventually } from '#test/support/eventually.ts';
import { type ConsulInstance, type FakeConsul, startFakeConsul } from '#test/support/fake-consul.ts';
import { startSource } from '#test/support/source-bench.ts';
import { ConsulEndpoints, type ConsulSettings } from './consul-endpoints.ts';

const one: ConsulInstance = { address: '10.0.0.1', port: 80 };
const two: ConsulInstance = { address: '10.0.0.2', port: 80 };
const ONE = '1 http://10.0.0.1:80';
const TWO = '1 http://10.0.0.2:80';

function toUrl(text: string) {
  const reading = readEndpointUrl(text);
  assert.ok('value' in reading);
  return reading.value;
}

async function setUp(t: TestContext, instances: readonly ConsulInstance[] = [one], settings: Partial<ConsulSettings> = {}) {
  const consul = await startFakeConsul(t, 'orders');
  consul.set(instances);
  const bench = startSource(
    t,
    (means) =>
      new ConsulEndpoints(
        {
          kind: 'consul',
          address: toUrl(consul.url),
          service: 'orders',
          passingOnly: true,
          wait: 60_000,
          scheme: 'http',
          ...settings,
        },
        means,
      ),
  );
  return { consul, bench };
}

const isHeld = (consul: FakeConsul) => eventually(() => consul.heldCount === 1, 'a question is held back');

test('follows each change at once, with one question that is held back at a time', async (t) => {
  const { consul, bench } = await setUp(t);
  await bench.until(ONE);
  for (const [instances, expected] of [
    [
      [one, two],
      [ONE, TWO],
    ],
    [[two], [TWO]],
    [[], []],
    [[one], [ONE]],
  ] as const) {
    await isHeld(consul);
    consul.set(instances);
    await bench.until(...expected);
  }
  await isHeld(consul);
  assert.equal(consul.questions.length, 6);
  assert.deepEqual(bench.events, []);
});

test('asks as the documentation of Consul says', async (t) => {
  const { consul, bench } = await setUp(t, [{ ...one, tags: ['green'] }, two], {
    tag: 'green',
    datacenter: 'dc2',
    namespace: 'shop',
    token: new Secret('s3cret'),
    wait: 90_000,
  });
  await bench.until(ONE);
  await isHeld(consul);
  assert.deepEqual(
    consul.questions.map(({ pathname, search }) => pathname + search),
    [
      '/v1/health/service/orders?passing=true&tag=green&dc=dc2&ns=shop',
      '/v1/health/service/orders?passing=true&tag=green&dc=dc2&ns=shop&index=11&wait=90000ms',
    ],
  );
  assert.deepEqual(consul.tokens, ['s3cret', 's3cret']);
});

test('weights are those of Consul, and instances with a warning count only where they are wanted', async (t) => {
  const weights = { Passing: 5, Warning: 2 };
  const instances: ConsulInstance[] = [
    { ...one, weights },
    { ...two, weights, statuses: ['passing', 'warning'] },
    { address: '10.0.0.3', port: 80, statuses: ['critical'] },
    { address: '', node: 'fd00::4', port: 8080 },
    { address: '10.0.0.5', port: 0 },
  ];
  const passing = await setUp(t, instances);
  await passing.bench.until('1 http://[fd00::4]:8080', '5 http://10.0.0.1:80');
  const warned = await setUp(t, instances, { passingOnly: false });
  await warned.bench.until('1 http://[fd00::4]:8080', '2 http://10.0.0.2:80', '5 http://10.0.0.1:80');
});

test('an answer that comes because the time is over changes nothing, and the next question waits again', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  consul.passWait();
  await eventually(() => consul.questions.length === 3, 'it is asked again');
  await isHeld(consul);
  assert.equal(consul.questions.at(-1)!.searchParams.get('index'), '11');
  assert.deepEqual(bench.endpoints, [ONE]);
});

test('an index that goes backwards is forgotten', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  consul.set([two], 3);
  await bench.until(TWO);
  await isHeld(consul);
  assert.deepEqual(
    consul.questions.map(({ searchParams }) => searchParams.get('index')),
    [null, '11', null, '3'],
  );
});

test('an index of 0 does not make a loop', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  consul.set([two], 0);
  await bench.until(TWO);
  await isHeld(consul);
  assert.equal(consul.questions.at(-1)!.searchParams.get('index'), '1');
});

test('a Consul that changes all the time is asked ten times a second', async (t) => {
  const { consul, bench } = await setUp(t);
  await bench.until(ONE);
  // It answers each question at once.
  consul.fault = { status: 200, text: '[]', index: '5' };
  consul.set([one]);
  const counts: number[] = [];
  await eventually(() => {
    counts.push(consul.questions.length);
    return counts.length > 20 && counts.at(-20) === counts.at(-1);
  }, 'no more questions come');
  const before = consul.questions.length;
  assert.ok(before < 30, `${before} questions`);
  bench.pass(1_000);
  await eventually(() => consul.questions.length > before, 'it is asked again');
});

for (const { what, fault, reason } of [
  { what: 'refuses', fault: { status: 403, text: 'Permission denied\n' }, reason: 'the answer was 403: Permission denied' },
  { what: 'fails', fault: { status: 500, text: 'No cluster leader' }, reason: 'the answer was 500: No cluster leader' },
  {
    what: 'is somebody else',
    fault: { status: 200, text: '<html>', index: '5' },
    reason: 'the answer is not the one of Consul to this question',
  },
  { what: 'gives no index', fault: { status: 200, text: '[]' }, reason: 'the answer has no `x-consul-index`' },
]) {
  test(`a Consul that ${what} changes nothing, is told once and asked less and less often`, async (t) => {
    const { consul, bench } = await setUp(t);
    await isHeld(consul);
    consul.fault = fault;
    consul.passWait();
    await eventually(() => bench.events.length === 1, 'the failure is told');
    assert.equal(bench.events[0]!.fields!['reason'], reason);
    const { length } = consul.questions;
    bench.pass(900);
    assert.equal(consul.questions.length, length);
    bench.pass(300);
    await eventually(() => consul.questions.length === length + 1, 'it is asked after a second');
    bench.pass(1_900);
    assert.equal(consul.questions.length, length + 1);
    consul.fault = undefined;
    consul.set([one, two]);
    await eventually(() => {
      bench.pass(100);
      return bench.endpoints.length === 2;
    }, 'it is believed again');
    assert.deepEqual(
      bench.events.map(({ message }) => message),
      ['endpoints cannot be found', 'endpoints are found again'],
    );
  });
}

test('endpoints stay while Consul is away, and while one that started anew has not been told of them', async (t) => {
  const { consul, bench } = await setUp(t, [one, two]);
  await isHeld(consul);
  await consul.stop();
  await eventually(() => bench.events.length === 1, 'the failure is told');
  consul.set([]);
  await consul.restart(2);
  await eventually(() => {
    bench.pass(100);
    return consul.heldCount === 1;
  }, 'it is asked again');
  assert.deepEqual(bench.endpoints, [ONE, TWO]);
  consul.set([two]);
  await bench.until(TWO);
});

test('endpoints that a Consul which started anew still does not know when the time is over are gone', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  consul.set([], 2);
  await isHeld(consul);
  assert.deepEqual(bench.endpoints, [ONE]);
  consul.passWait();
  await bench.until();
});

test('a question that gets no answer is given up some time after it should have come', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  consul.fault = 'hang';
  bench.pass(68_000);
  assert.equal(bench.events.length, 0);
  bench.pass(1_000);
  await eventually(() => bench.events.length === 1, 'the failure is told');
  assert.equal(bench.events[0]!.fields!['reason'], 'no answer within 68750 ms');
  bench.pass(1_200);
  await eventually(() => consul.questions.length === 3, 'it is asked again, without waiting for a change');
  assert.equal(consul.questions.at(-1)!.searchParams.get('index'), null);
  assert.deepEqual(bench.endpoints, [ONE]);
});

test('says nothing any more when it is stopped, and gives up its question', async (t) => {
  const { consul, bench } = await setUp(t);
  await isHeld(consul);
  bench.source.stop();
  await eventually(() => consul.heldCount === 0, 'the question is given up');
  assert.deepEqual(bench.events, []);
});
