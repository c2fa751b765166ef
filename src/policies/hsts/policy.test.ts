import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { createPolicyBench, plan, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { hstsPolicy } from './policy.ts';

const NAME = 'strict-transport-security';

async function benchWith(config: unknown, upstream: () => UpstreamAnswer = () => ({ body: ['served'] })) {
  return createPolicyBench({ policies: [await plan(hstsPolicy, config)], upstream });
}

test('tells browsers over https for how long, and nothing over http', async () => {
  const bench = await benchWith({});
  assert.deepEqual((await bench.send({ scheme: 'https' })).values(NAME), ['max-age=31536000']);
  assert.deepEqual((await bench.send({ scheme: 'http' })).values(NAME), []);
});

test('says what is configured', async () => {
  const full = { maxAgeDays: 730, includeSubDomains: true, preload: true };
  assert.deepEqual((await (await benchWith(full)).send({ scheme: 'https' })).values(NAME), [
    'max-age=63072000; includeSubDomains; preload',
  ]);
  assert.deepEqual((await (await benchWith({ maxAgeDays: 0 })).send({ scheme: 'https' })).values(NAME), ['max-age=0']);
});

test('takes the place of what the service says, and stands on errors of the gateway too', async () => {
  const said = await benchWith({}, () => ({ fields: [NAME, 'max-age=1'] }));
  assert.deepEqual((await said.send({ scheme: 'https' })).values(NAME), ['max-age=31536000']);
  const failing = await benchWith({}, () => ({ error: upstreamErrors.unreachable() }));
  const answer = await failing.send({ scheme: 'https' });
  assert.deepEqual([answer.status, ...answer.values(NAME)], [502, 'max-age=31536000']);
});

test('a change of the configuration counts from the next request on', async () => {
  const bench = await benchWith({});
  await bench.send({ scheme: 'https' });
  bench.reload([await plan(hstsPolicy, { maxAgeDays: 1 })]);
  assert.deepEqual((await bench.send({ scheme: 'https' })).values(NAME), ['max-age=86400']);
});
