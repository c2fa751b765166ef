import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorSlot } from '#pipeline/mirror-order.ts';
import { createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { createSeededRandom } from '#test/support/policy-services.ts';
import { mirrorPolicy } from './policy.ts';

/** How many of so many requests are to be copied. */
async function countCopied(percent: number, requests: number): Promise<number> {
  const planned = await plan(mirrorPolicy, { to: 'shadow', percent: `${percent}%` }, { random: createSeededRandom(7) });
  const bench = createPolicyBench({ policies: [planned] });
  for (let i = 0; i < requests; i++) await bench.send();
  return bench.finished.filter((exchange) => exchange.get(mirrorSlot) !== undefined).length;
}

test('orders a copy with its limits, and changes nothing about the request', async () => {
  const planned = await plan(mirrorPolicy, { to: 'shadow', maxBody: '1KiB', timeout: '2s' });
  const bench = createPolicyBench({ policies: [planned] });
  const { status, exchange } = await bench.send({ fields: ['x-a', '1'] });
  assert.equal(status, 200);
  assert.deepEqual(bench.seen[0]?.fields, ['x-a', '1']);
  assert.deepEqual(exchange.get(mirrorSlot), { service: 'shadow', bodyBytesMax: 1024, timeoutMs: 2_000 });
});

test('orders copies of as many requests as it is told to: none, all, or a share', async () => {
  assert.equal(await countCopied(0, 200), 0);
  assert.equal(await countCopied(100, 200), 200);
  const copied = await countCopied(12.5, 4_000);
  // Five standard deviations of so many draws are 105.
  assert.ok(Math.abs(copied - 500) <= 105, `${copied} of 4000`);
});

test('orders nothing for a request that a policy before it refuses', async () => {
  const refusing = planPhases({ requestHead: () => ({ status: 403, fields: [], contentLengthBytes: 0, body: undefined }) });
  const bench = createPolicyBench({ policies: [refusing, await plan(mirrorPolicy, { to: 'shadow' })] });
  const { exchange } = await bench.send();
  assert.equal(exchange.get(mirrorSlot), undefined);
});

test('a change of the configuration counts from the next request on', async () => {
  const bench = createPolicyBench({ policies: [await plan(mirrorPolicy, { to: 'shadow' })] });
  assert.equal((await bench.send()).exchange.get(mirrorSlot)?.service, 'shadow');
  bench.reload([await plan(mirrorPolicy, { to: 'other' })]);
  assert.equal((await bench.send()).exchange.get(mirrorSlot)?.service, 'other');
});
