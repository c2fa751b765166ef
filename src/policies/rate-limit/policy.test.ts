import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMITTED, type StoreAllowances, type StoreDecision } from '#base/allowances.ts';
import { toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { rateLimitPolicy } from './policy.ts';

async function benchWith(config: unknown, path = '/*') {
  const services = createPolicyServices({ clock: new FakeClock() });
  const clock = services.clock as FakeClock;
  const bench = createPolicyBench({ policies: [await plan(rateLimitPolicy, config, services)], path });
  const statuses = async (...requests: BenchRequest[]) => {
    const answers: number[] = [];
    for (const request of requests) answers.push((await bench.send(request)).status);
    return answers;
  };
  return { bench, clock, services, statuses };
}

test('lets as many pass as the limit says, refuses the next, and lets one pass when one is back', async () => {
  const { bench, clock, statuses } = await benchWith({ limit: '60/minute', burst: 2 });
  assert.deepEqual(await statuses({}, {}, {}), [200, 200, 429]);
  assert.equal(bench.seen.length, 2);
  clock.advance(999);
  assert.deepEqual(await statuses({}), [429]);
  clock.advance(1);
  assert.deepEqual(await statuses({}, {}), [200, 429]);
});

test('a refusal says what the limit is, what is left and when to come again', async () => {
  const { bench } = await benchWith({ limit: '6/minute', burst: 1 });
  await bench.send();
  const answer = await bench.send();
  assert.deepEqual(answer.json(), {
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    detail: 'There were too many requests: at most 6/minute.',
    code: 'GH_RATE_LIMIT_EXCEEDED',
    requestId: 'bench-request',
  });
  assert.deepEqual(answer.values('retry-after'), ['10']);
  assert.deepEqual(answer.values('ratelimit-policy'), ['"6/minute";q=6;w=60']);
  assert.deepEqual(answer.values('ratelimit'), ['"6/minute";r=0;t=10']);
});

test('the log is told the limit and what was counted, and nothing that may be a secret', async () => {
  const { bench } = await benchWith({ limit: '1/minute', by: ['header.x-api-key', 'ip'] });
  await bench.send({ fields: ['x-api-key', 'hunter2'] });
  const { exchange } = await bench.send({ fields: ['x-api-key', 'hunter2'] });
  assert.deepEqual(exchange.error?.detail, { limit: '1/minute', by: 'header.x-api-key, ip' });
});

test('answers that were let pass tell of the limit only when they are to', async () => {
  const quiet = await benchWith({ limit: '10/minute' });
  assert.deepEqual((await quiet.bench.send()).fields, []);
  const { bench, clock } = await benchWith({ limits: ['10/minute', { limit: '100/hour', burst: 5 }], headers: 'all' });
  assert.deepEqual((await bench.send()).values('ratelimit'), ['"10/minute";r=9;t=6, "100/hour";r=4;t=36']);
  clock.advance(1_500);
  const answer = await bench.send();
  assert.deepEqual(answer.values('ratelimit'), ['"10/minute";r=8;t=11, "100/hour";r=3;t=71']);
  assert.deepEqual(answer.values('ratelimit-policy'), ['"10/minute";q=10;w=60, "100/hour";q=100;w=3600']);
});

test('with `headers: none` even a refusal does not tell what the limit is', async () => {
  const { bench } = await benchWith({ limit: '1/minute', headers: 'none' });
  await bench.send();
  const answer = await bench.send();
  assert.equal(answer.status, 429);
  assert.deepEqual(answer.fields, ['content-type', 'application/problem+json']);
  assert.doesNotMatch(answer.text, /minute/);
});

test('all of several limits must let a request pass, and what one refuses is not counted by the others', async () => {
  const { statuses, clock } = await benchWith({ limits: ['2/second', '5/minute'] });
  assert.deepEqual(await statuses({}, {}, {}), [200, 200, 429]);
  clock.advance(1_000);
  assert.deepEqual(await statuses({}, {}, {}), [200, 200, 429]);
  clock.advance(1_000);
  assert.deepEqual(await statuses({}, {}), [200, 429]);
});

const requests = {
  header: [{ fields: ['x-team', 'a'] }, { fields: ['x-team', 'b'] }],
  cookie: [{ fields: ['cookie', 'session=a'] }, { fields: ['cookie', 'session=b; other=1'] }],
  path: [{ url: '/tenants/a' }, { url: '/tenants/b' }],
} as const;

for (const [by, [one, other]] of [
  ['header.x-team', requests.header],
  ['cookie.session', requests.cookie],
  ['path.tenant', requests.path],
  [['ip', 'header.x-team'], requests.header],
] as const) {
  test(`counts by ${JSON.stringify(by)}`, async () => {
    const { statuses } = await benchWith({ limit: '1/minute', by }, '/tenants/:tenant');
    const at = (request: BenchRequest) => ({ url: '/tenants/c', ...request });
    assert.deepEqual(await statuses(at(one), at(other), at(one), at(other)), [200, 200, 429, 429]);
  });
}

test('requests without what is counted are counted together', async () => {
  const { statuses } = await benchWith({ limit: '1/minute', by: 'header.x-team' });
  assert.deepEqual(await statuses({}, { fields: ['x-team', ''] }, {}), [200, 200, 429]);
});

test('with `mode: report` nothing is refused, and the log is told what would have been', async () => {
  const { bench, statuses } = await benchWith({ limit: '1/minute', mode: 'report' });
  assert.deepEqual(await statuses({}, {}), [200, 200]);
  const [first, second] = bench.finished;
  assert.equal(first!.reported, undefined);
  assert.equal(second!.error, undefined);
  assert.equal(second!.reported?.code, 'GH_RATE_LIMIT_EXCEEDED');
  assert.deepEqual(second!.reported?.detail, { limit: '1/minute', by: 'ip' });
});

test('a client of gRPC is told that its resources are exhausted', async () => {
  const { bench } = await benchWith({ limit: '1/minute' });
  const call = { method: 'POST', fields: ['content-type', 'application/grpc'], body: [] };
  await bench.send(call);
  const answer = await bench.send(call);
  assert.deepEqual([answer.status, ...answer.values('grpc-status')], [200, '8']);
});

test('a body in many pieces is one request', async () => {
  const { bench, statuses } = await benchWith({ limit: '2/minute' });
  assert.deepEqual(await statuses({ method: 'POST', body: ['a', 'b', 'c'] }, {}, {}), [200, 200, 429]);
  assert.deepEqual(bench.seen[0]?.body, ['a', 'b', 'c']);
});

test('a reload keeps what was counted while the limit is the same at the same place, and another limit begins anew', async () => {
  const { bench, services, statuses } = await benchWith({ limit: '2/minute' });
  assert.deepEqual(await statuses({}, {}, {}), [200, 200, 429]);
  bench.reload([await plan(rateLimitPolicy, { limit: '2/minute', headers: 'all' }, services)]);
  assert.deepEqual(await statuses({}), [429]);
  bench.reload([await plan(rateLimitPolicy, { limit: '2/minute', by: 'route' }, services)]);
  assert.deepEqual(await statuses({}), [200]);
  bench.reload([await plan(rateLimitPolicy, { limit: '3/minute' }, services)]);
  assert.deepEqual(await statuses({}, {}, {}, {}), [200, 200, 200, 429]);
  bench.reload([await plan(rateLimitPolicy, { limit: '2/minute' }, { ...services, place: 'route other' })]);
  assert.deepEqual(await statuses({}), [200]);
});

/** Whoever says so in a field. */
const anybody = planPhases({
  requestHead(exchange: Exchange) {
    const groups = exchange.field('x-groups');
    if (groups !== undefined) exchange.consumer = toPlainConsumer('somebody', groups.split(' '));
    return undefined;
  },
});

const inGroups = (groups: string): BenchRequest => ({ fields: ['x-groups', groups] });

test('the first tier counts whose group the consumer is in, and the limit for all others', async () => {
  const config = {
    limit: '1/minute',
    tiers: { gold: '3/minute', silver: ['2/second', '2/minute'] },
    headers: 'all',
  };
  const bench = createPolicyBench({ policies: [anybody, await plan(rateLimitPolicy, config)] });
  const statuses = async (request: BenchRequest, count: number) => {
    const answers: number[] = [];
    for (let i = 0; i < count; i++) answers.push((await bench.send(request)).status);
    return answers;
  };
  assert.deepEqual(await statuses(inGroups('silver gold'), 4), [200, 200, 200, 429]);
  assert.deepEqual(await statuses(inGroups('staff silver'), 3), [200, 200, 429]);
  assert.deepEqual(await statuses(inGroups('staff'), 2), [200, 429]);
  assert.deepEqual(await statuses({}, 1), [429], 'counted with all others of this address');
  const refused = await bench.send(inGroups('silver'));
  assert.deepEqual(refused.values('ratelimit-policy'), ['"2/second";q=2;w=1, "2/minute";q=2;w=60']);
  assert.match(refused.text, /at most 2\/second/);
});

/** A store that says what it is told to, or is away. */
function scriptedStore(outcomes: readonly (StoreDecision | undefined | 'away')[]) {
  const asked: string[] = [];
  const allowances: StoreAllowances = {
    open: () => ({
      take(key) {
        const outcome = outcomes[asked.length];
        asked.push(key);
        return outcome === 'away' ? undefined : Promise.resolve(outcome);
      },
    }),
    openLocalFirst: (_, __, local) => local,
  };
  return { allowances, asked };
}

const decided = (refusing: number): StoreDecision => ({
  refusing,
  remaining: () => 4,
  restoredInMs: () => 59_001,
  nextInMs: () => (refusing === ADMITTED ? 0 : 7_200),
});

test('what a store has decided is told as what is decided here', async () => {
  const { allowances, asked } = scriptedStore([decided(ADMITTED), decided(0)]);
  const config = { limit: '5/minute', store: 'redis', headers: 'all', by: 'header.x-team' };
  const bench = createPolicyBench({ policies: [await plan(rateLimitPolicy, config, { storeAllowances: allowances })] });
  const admitted = await bench.send({ fields: ['x-team', 'a'] });
  assert.deepEqual([admitted.status, ...admitted.values('ratelimit')], [200, '"5/minute";r=4;t=60']);
  const refused = await bench.send({ fields: ['x-team', 'b'] });
  assert.deepEqual([refused.status, ...refused.values('retry-after')], [429, '8']);
  assert.deepEqual(refused.values('ratelimit-policy'), ['"5/minute";q=5;w=60']);
  assert.deepEqual(asked, ['a', 'b']);
});

for (const [onFailure, mode, statuses] of [
  ['local', 'enforce', [200, 429, 429]],
  ['allow', 'enforce', [200, 200, 200]],
  ['refuse', 'enforce', [503, 503, 503]],
  ['refuse', 'report', [200, 200, 200]],
] as const) {
  test(`without an answer of the store, \`onFailure: ${onFailure}\` and \`mode: ${mode}\` answer ${statuses}`, async () => {
    const { allowances } = scriptedStore(['away', undefined, 'away']);
    const config = { limit: '1/minute', store: 'redis', onFailure, mode };
    const bench = createPolicyBench({ policies: [await plan(rateLimitPolicy, config, { storeAllowances: allowances })] });
    const answers = [await bench.send(), await bench.send(), await bench.send()];
    assert.deepEqual(
      answers.map(({ status }) => status),
      statuses,
    );
    const isReported = onFailure === 'refuse' && mode === 'report';
    assert.equal(bench.finished[0]!.reported?.code, isReported ? 'GH_RATE_LIMIT_STORE_AWAY' : undefined);
  });
}
