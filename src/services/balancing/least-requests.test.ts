import assert from 'node:assert/strict';
import test from 'node:test';
import { BalancerBench, type BalancerMeans, type TestMember, testBalancer, toMembers } from '#test/support/balancer-contract.ts';
import { LeastRequests } from './least-requests.ts';

const create = ({ random }: BalancerMeans) => new LeastRequests<TestMember>(random);

testBalancer('least requests', create, { tolerance: 0.06 });

test('what runs is spread by shares, more evenly than chance would do it', () => {
  const members = toMembers(2, 1, 1);
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  for (let i = 0; i < 400; i++) bench.begin();
  for (const { active, share } of members)
    assert.ok(Math.abs(active - 100 * share) <= 4, `${active} run for a share of ${share}`);
});

test('an endpoint where requests pile up gets no more of them', () => {
  const members = toMembers(1, 1, 1, 1);
  members[0]!.active = 50;
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  bench.run(1_000);
  assert.equal(members[0]!.picked, 0);
});
