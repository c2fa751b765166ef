import assert from 'node:assert/strict';
import test from 'node:test';
import { BalancerBench, type TestMember, testBalancer, toMembers } from '#test/support/balancer-contract.ts';
import { RoundRobin } from './round-robin.ts';

const create = () => new RoundRobin<TestMember>();

testBalancer('round robin', create, { tolerance: 0.01 });

function draw(shares: readonly number[], count: number): string {
  const members = toMembers(...shares);
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  return Array.from({ length: count }, () => 'abcdef'[members.indexOf(bench.pick())]).join('');
}

test('members of one share take turns in their order', () => {
  assert.equal(draw([1, 1, 1], 7), 'abcabca');
});

test('heavier members come more often, spread out', () => {
  assert.equal(draw([5, 1, 1], 14), 'aaabcaaaaabcaa');
  assert.equal(draw([4, 2, 1], 7), 'abacaba');
});

test('in each full turn every member comes as often as its share says, also after millions of turns', () => {
  const members = toMembers(3, 7, 2);
  const bench = new BalancerBench(create);
  bench.setMembers(members);
  for (let i = 0; i < 3_000_000; i++) bench.pick();
  for (const member of members) member.picked = 0;
  for (let i = 0; i < 12; i++) bench.pick();
  for (const { share, picked } of members) assert.ok(Math.abs(picked - share) <= 1);
});

test('changes that come between all requests still let everybody have a turn', () => {
  const members = toMembers(1, 1, 1);
  const bench = new BalancerBench(create);
  for (let i = 0; i < 300; i++) {
    members[0]!.share = 1 + (i % 2) / 100;
    bench.setMembers(members);
    bench.pick();
  }
  for (const { picked } of members) assert.ok(Math.abs(picked - 100) <= 2, String(picked));
});
