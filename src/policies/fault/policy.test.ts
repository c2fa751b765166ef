import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { createSeededRandom, ManualTimers } from '#test/support/policy-services.ts';
import { faultPolicy } from './policy.ts';

async function benchWith(config: unknown, timers = new ManualTimers()) {
  const planned = await plan(faultPolicy, config, { random: createSeededRandom(3), later: timers.later });
  return createPolicyBench({ policies: [planned] });
}

test('lets requests pass that it is not meant for', async () => {
  const bench = await benchWith({ abort: {}, when: { headers: { 'x-chaos': 'yes', 'x-not': { present: false } } } });
  assert.equal((await bench.send()).status, 200);
  assert.equal((await bench.send({ fields: ['x-chaos', 'no'] })).status, 200);
  assert.equal((await bench.send({ fields: ['x-chaos', 'yes', 'x-not', '1'] })).status, 200);
  assert.equal((await bench.send({ fields: ['x-chaos', 'yes'] })).status, 503);
});

test('answers with the status that is configured and a problem document, and the service sees nothing', async () => {
  const bench = await benchWith({ abort: { status: 429 } });
  const answer = await bench.send({ body: ['abc'] });
  assert.equal(answer.status, 429);
  const { code, status, title } = answer.json() as Record<string, unknown>;
  assert.deepEqual({ code, status, title }, { code: 'GH_FAULT_ABORTED', status: 429, title: 'Too Many Requests' });
  assert.equal(bench.seen.length, 0);
});

test('disturbs none, all, or a share of the requests', async () => {
  for (const [percent, expected, tolerance] of [
    [0, 0, 0],
    [100, 4_000, 0],
    // Five standard deviations of so many draws.
    [2.5, 100, 50],
  ] as const) {
    const bench = await benchWith({ abort: { percent: `${percent}%` } });
    for (let i = 0; i < 4_000; i++) await bench.send();
    const refused = bench.finished.filter(({ status }) => status === 503).length;
    assert.ok(Math.abs(refused - expected) <= tolerance, `${percent} %: ${refused} of 4000`);
  }
});

test('makes a request wait, body and all, and then lets it go on', async () => {
  const timers = new ManualTimers();
  const bench = await benchWith({ delay: { for: '500ms' } }, timers);
  const { answer } = bench.start({ method: 'POST', body: ['a', 'b'] });
  assert.deepEqual(timers.delaysMs, [500]);
  assert.equal(bench.seen.length, 0);
  timers.runAll();
  assert.equal((await answer).status, 200);
  assert.deepEqual(bench.seen[0]?.body, ['a', 'b']);
});

test('a request that waits and is refused is refused after its wait', async () => {
  const timers = new ManualTimers();
  const bench = await benchWith({ delay: { for: '1s' }, abort: {} }, timers);
  const { answer } = bench.start();
  assert.equal(bench.finished.length, 0);
  timers.runAll();
  assert.equal((await answer).status, 503);
});

test('a client that leaves ends the wait, and nothing reaches the service', async () => {
  const timers = new ManualTimers();
  const bench = await benchWith({ delay: { for: '10m' } }, timers);
  const started = bench.start();
  started.leave();
  assert.equal((await started.answer).isBrokenOff, true);
  assert.deepEqual(timers.delaysMs, []);
  assert.equal(bench.seen.length, 0);
});

test('a change of the configuration counts from the next request on; one that waits keeps its wait', async () => {
  const timers = new ManualTimers();
  const bench = await benchWith({ delay: { for: '1s' } }, timers);
  const { answer } = bench.start();
  bench.reload([]);
  assert.equal((await bench.send()).status, 200);
  assert.deepEqual(timers.delaysMs, [1_000]);
  timers.runAll();
  assert.equal((await answer).status, 200);
});
