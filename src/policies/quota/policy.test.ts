import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPlainConsumer } from '#http/consumer.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { quotaPolicy } from './policy.ts';

const DAY_MS = 86_400_000;

/** Who asks stands in `x-who`, as `name` or `name:group`. */
const identify = planPhases({
  requestHead(exchange) {
    const [name, ...groups] = exchange.field('x-who')?.split(':') ?? [];
    exchange.consumer = name === undefined ? undefined : toPlainConsumer(name, groups);
    return undefined;
  },
});

const as = (who: string): BenchRequest => ({ fields: ['x-who', who] });

async function benchWith(config: unknown, now = '2026-11-27T12:00:00Z') {
  const clock = new FakeClock();
  const at = (time: string) => clock.jumpWallTo(Date.parse(time));
  at(now);
  const services = createPolicyServices({ clock });
  const planned = async (settings: unknown, place = 'gateway') => [
    identify,
    await plan(quotaPolicy, settings, { ...services, place }),
  ];
  const bench = createPolicyBench({ policies: await planned(config) });
  const statuses = async (...requests: BenchRequest[]) => {
    const answers: number[] = [];
    for (const request of requests) answers.push((await bench.send(request)).status);
    return answers;
  };
  return { bench, at, clock, planned, statuses };
}

test('lets as many pass as the quota says, each client for itself, and refuses the rest until the month is over', async () => {
  const { statuses, at } = await benchWith({ limit: '2/month' });
  assert.deepEqual(await statuses(as('alice'), as('alice'), as('alice'), as('bob')), [200, 200, 429, 200]);
  at('2026-11-30T23:59:59.999Z');
  assert.deepEqual(await statuses(as('alice')), [429]);
  at('2026-12-01T00:00:00Z');
  assert.deepEqual(await statuses(as('alice'), as('alice'), as('alice')), [200, 200, 429]);
});

test('a month begins when it does in the time zone, also where clocks change in it', async () => {
  const { statuses, at } = await benchWith({ limit: '1/month', timeZone: 'Europe/Berlin' }, '2026-03-31T21:59:59Z');
  assert.deepEqual(await statuses(as('alice'), as('alice')), [200, 429]);
  at('2026-03-31T22:00:00Z');
  assert.deepEqual(await statuses(as('alice'), as('alice')), [200, 429]);
});

test('a refusal says what the quota is and when the next window begins, and tells to come again within a day', async () => {
  const { bench, at } = await benchWith({ limit: '1/month' }, '2026-11-30T23:58:30Z');
  await bench.send(as('alice'));
  const answer = await bench.send(as('alice'));
  assert.equal(answer.status, 429);
  assert.match(answer.text, /"detail":"The quota is used up: at most 1\/month\.","code":"GH_QUOTA_EXCEEDED"/);
  assert.deepEqual(answer.values('retry-after'), ['90']);
  assert.deepEqual(answer.values('ratelimit-policy'), ['"1/month";q=1;w=2592000']);
  assert.deepEqual(answer.values('ratelimit'), ['"1/month";r=0;t=90']);
  at('2026-12-01T00:00:00Z');
  await bench.send(as('alice'));
  const early = await bench.send(as('alice'));
  assert.deepEqual(early.values('retry-after'), [String(DAY_MS / 1_000)]);
  assert.deepEqual(early.values('ratelimit'), [`"1/month";r=0;t=${(31 * DAY_MS) / 1_000}`]);
});

test('the log is told the quota and what was counted, and nothing that may be a secret', async () => {
  const { bench } = await benchWith({ limit: '1/day', by: 'header.x-api-key' });
  const request = { fields: ['x-api-key', 'hunter2'] };
  await bench.send(request);
  const { exchange } = await bench.send(request);
  assert.deepEqual(exchange.error?.detail, { limit: '1/day', by: 'header.x-api-key', tier: undefined });
});

test('all of several limits must let a request pass, and what one refuses is not counted by the others', async () => {
  const { bench, statuses, at } = await benchWith({ limits: ['2/day', '3/month'], headers: 'all' });
  assert.deepEqual(await statuses(as('a'), as('a'), as('a'), as('a')), [200, 200, 429, 429]);
  at('2026-11-28T00:00:00Z');
  assert.deepEqual((await bench.send(as('a'))).values('ratelimit'), [`"2/day";r=1;t=86400, "3/month";r=0;t=${3 * 86_400}`]);
  assert.deepEqual(await statuses(as('a')), [429]);
});

test('consumers of a group have the limit of its tier, and who gets another tier keeps what was counted', async () => {
  const config = { limit: '1/month', tiers: { gold: '3/month', silver: '2/month' } };
  const { bench, statuses } = await benchWith(config);
  assert.deepEqual(await statuses(as('alice'), as('alice')), [200, 429]);
  assert.deepEqual(await statuses(as('alice:silver'), as('alice:silver')), [200, 429]);
  assert.deepEqual(await statuses(as('alice:silver:gold'), as('alice:gold')), [200, 429], 'the first tier counts');
  assert.deepEqual(bench.finished.at(-1)?.error?.detail, { limit: '3/month', by: 'consumer', tier: 'gold' });
});

test('where only tiers have limits, nobody else is counted', async () => {
  const { statuses } = await benchWith({ tiers: { free: '1/day' } });
  assert.deepEqual(await statuses(as('alice'), as('alice'), as('bob:free'), as('bob:free')), [200, 200, 200, 429]);
});

test('with `mode: report` nothing is refused, and the log is told what would have been', async () => {
  const { bench, statuses } = await benchWith({ limit: '1/day', mode: 'report' });
  assert.deepEqual(await statuses(as('alice'), as('alice')), [200, 200]);
  assert.equal(bench.finished[0]?.reported, undefined);
  assert.equal(bench.finished[1]?.reported?.code, 'GH_QUOTA_EXCEEDED');
});

test('with `headers: none` even a refusal does not tell what the quota is', async () => {
  const { bench } = await benchWith({ limit: '1/day', headers: 'none' });
  await bench.send(as('alice'));
  const answer = await bench.send(as('alice'));
  assert.equal(answer.status, 429);
  assert.deepEqual(answer.fields, ['content-type', 'application/problem+json']);
  assert.doesNotMatch(answer.text, /1\/day/);
});

test('a reload keeps what was counted, also when the limit changes, and another place or time zone counts for itself', async () => {
  const { bench, planned, statuses } = await benchWith({ limit: '2/month' });
  assert.deepEqual(await statuses(as('a'), as('a'), as('a')), [200, 200, 429]);
  bench.reload(await planned({ limit: '3/month' }));
  assert.deepEqual(await statuses(as('a'), as('a')), [200, 429]);
  bench.reload(await planned({ limit: '1/month' }));
  assert.deepEqual(await statuses(as('a')), [429]);
  bench.reload(await planned({ limit: '1/month', timeZone: 'Asia/Tokyo' }));
  assert.deepEqual(await statuses(as('a'), as('a')), [200, 429]);
  bench.reload(await planned({ limit: '1/month' }, 'route other'));
  assert.deepEqual(await statuses(as('a'), as('a')), [200, 429]);
});

test('a client of gRPC is told that its resources are exhausted', async () => {
  const { bench } = await benchWith({ limit: '1/day' });
  const call = { method: 'POST', fields: ['content-type', 'application/grpc'], body: [] };
  await bench.send(call);
  const answer = await bench.send(call);
  assert.deepEqual([answer.status, ...answer.values('grpc-status')], [200, '8']);
});

test('keys for which there is no room share one quota of the same size', async () => {
  const { statuses } = await benchWith({ limit: '1/month', by: 'header.x-team' });
  const answers = await statuses(...Array.from({ length: 400 }, (_, i) => ({ fields: ['x-team', `${i}`] })));
  const admitted = answers.filter((status) => status === 200).length;
  // There is room for a hundred keys, and half as much again.
  assert.ok(admitted >= 100 && admitted <= 160, String(admitted));
  const again = await statuses(...Array.from({ length: 400 }, (_, i) => ({ fields: ['x-team', `${i}`] })));
  assert.ok(
    again.every((status) => status === 429),
    'nobody has got rid of a count',
  );
});
