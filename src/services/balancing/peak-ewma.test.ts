import assert from 'node:assert/strict';
import test from 'node:test';
import { BalancerBench, type BalancerMeans, type TestMember, testBalancer, toMembers } from '#test/support/balancer-contract.ts';
import { quantile, simulate } from '../../../bench/balancing/simulation.ts';
import { serviceErrors } from '../service-errors.ts';
import { PeakEwma } from './peak-ewma.ts';

const create = ({ random }: BalancerMeans) => new PeakEwma<TestMember>(random);

testBalancer('peak EWMA', create, { tolerance: 0.06 });

/** Requests one after the other; `tookMs` says how long each takes at its endpoint. */
function runWith(bench: BalancerBench, count: number, tookMs: (member: TestMember) => number): void {
  for (let i = 0; i < count; i++) {
    const member = bench.begin();
    bench.nowMs += 1;
    bench.end(member, tookMs(member));
  }
}

test('an endpoint that answers slowly once is left out, and tried again after a while', () => {
  const members = toMembers(1, 1, 1);
  const [slow] = members;
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  runWith(bench, 100, () => 10);
  const before = slow!.picked;
  slow!.active += 1;
  bench.load.active += 1;
  bench.end(slow!, 500);
  runWith(bench, 1_000, () => 10);
  assert.equal(slow!.picked, before);
  bench.nowMs += 60_000;
  runWith(bench, 1_000, () => 10);
  assert.ok(slow!.picked > before + 200, `${slow!.picked - before} of 1000`);
});

test('a new endpoint is taken for one like the others, so that it is neither flooded nor left out', () => {
  const members = toMembers(1, 1, 1);
  const bench = new BalancerBench(create);
  bench.setMembers(members.slice(0, 2));
  runWith(bench, 1_000, () => 50);
  bench.setMembers(members);
  // None of these ends: nothing is learnt of the new one.
  for (let i = 0; i < 90; i++) bench.begin();
  assert.ok(Math.abs(members[2]!.active - 30) <= 5, `${members[2]!.active} of 90`);
});

test('an endpoint that fails quickly does not draw requests', () => {
  const members = toMembers(1, 1);
  const [failing] = members;
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  runWith(bench, 100, () => 10);
  failing!.picked = 0;
  const { observer } = bench.balancer;
  for (let i = 0; i < 1_000; i++) {
    const member = bench.begin();
    bench.nowMs += 1;
    if (member !== failing) {
      bench.end(member);
      continue;
    }
    member.active -= 1;
    bench.load.active -= 1;
    const error = i % 2 === 0 ? serviceErrors.noEndpoint() : undefined;
    const status = error === undefined ? 503 : 0;
    const times = { startedMs: bench.nowMs - 1, headMs: error === undefined ? bench.nowMs : 0, endedMs: bench.nowMs };
    observer!.onAttemptEnded({ endpoint: member, ...times, status, error, isCancelled: false });
  }
  assert.ok(failing!.picked < 50, `${failing!.picked} of 1000`);
});

test('an answer that nobody could wait for tells that the endpoint is slow; one that was left early tells nothing', () => {
  const members = toMembers(1, 1);
  const [left] = members;
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  runWith(bench, 100, () => 10);
  const cancel = (tookMs: number) =>
    bench.balancer.observer!.onAttemptEnded({
      endpoint: left!,
      startedMs: bench.nowMs - tookMs,
      headMs: 0,
      endedMs: bench.nowMs,
      status: 0,
      error: undefined,
      isCancelled: true,
    });
  left!.picked = 0;
  cancel(1);
  runWith(bench, 100, () => 10);
  assert.ok(left!.picked > 30);
  left!.picked = 0;
  cancel(2_000);
  runWith(bench, 100, () => 10);
  assert.equal(left!.picked, 0);
});

for (const seed of [1, 2, 3]) {
  test(`one endpoint of ten that is ten times slower hardly shows in the 99th percentile (seed ${seed})`, () => {
    const p99Ms = (slowness: number) =>
      quantile(simulate({ balance: 'peak-ewma', slowness, utilisation: 0.6, seconds: 20, seed }).latenciesMs, 0.99);
    const [evenMs, slowMs] = [p99Ms(1), p99Ms(10)];
    assert.ok(slowMs <= 1.5 * evenMs, `${slowMs} ms, and ${evenMs} ms without the slow one`);
  });
}
