import assert from 'node:assert/strict';
import test from 'node:test';
import { BalancerBench, type BalancerMeans, type TestMember, testBalancer, toMembers } from '#test/support/balancer-contract.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { HashRing } from './hash-ring.ts';

const create =
  (boundedLoad?: number) =>
  ({ load }: BalancerMeans) =>
    new ConsistentHash<TestMember>({ by: { kind: 'ip' }, boundedLoad }, load);

testBalancer('hash', create(), { tolerance: 0.25 });
testBalancer('hash with bounded load', create(1.25), { tolerance: 0.25 });
testBalancer(
  'hash of something that requests do not have',
  () => {
    const by = { kind: 'header', name: 'x-user' } as const;
    return new ConsistentHash<TestMember>({ by, boundedLoad: undefined }, { active: 0 });
  },
  { tolerance: 0.01 },
);

const KEYS = 20_000;

function ownersOf(members: readonly TestMember[], weightSum: number): string[] {
  const ring = new HashRing(members, weightSum);
  return Array.from({ length: KEYS }, (_, key) => ring.find(`key-${key}`).url);
}

function countMoves(before: readonly string[], after: readonly string[]): number {
  return before.filter((owner, key) => owner !== after[key]).length;
}

test('the same key goes to the same endpoint, whatever came between, and in any order of endpoints', () => {
  const members = toMembers(1, 2, 1, 1);
  const [one, other] = [new BalancerBench(create()), new BalancerBench(create())];
  one.setMembers(members);
  other.setMembers(members.toReversed());
  const first = Array.from({ length: 100 }, (_, i) => one.pick(`user-${i}`));
  for (let i = 0; i < 100; i++) {
    assert.equal(one.pick(`user-${i}`), first[i]);
    assert.equal(other.pick(`user-${i}`), first[i]);
  }
});

test('when an endpoint leaves, only its keys move, and they are spread over the others by their shares', () => {
  const members = toMembers(1, 1, 1, 1, 1, 1, 2, 1, 1, 1);
  const [gone, ...stayed] = members;
  const before = ownersOf(members, 11);
  const after = ownersOf(stayed, 11);
  for (const [key, owner] of before.entries()) if (owner !== gone!.url) assert.equal(after[key], owner);
  const moved = countMoves(before, after);
  assert.ok(Math.abs(moved / KEYS - 1 / 11) < 0.02, `${moved} of ${KEYS} keys moved`);
  const received = stayed.map(({ url }) => after.filter((owner, key) => owner === url && before[key] === gone!.url).length);
  assert.ok(
    received.every((count) => count > 0),
    received.join(),
  );
});

test('when a share grows, keys only go to the one whose share it is', () => {
  const members = toMembers(1, 1, 1, 1);
  const before = ownersOf(members, 8);
  members[2]!.share = 1.5;
  const after = ownersOf(members, 8);
  for (const [key, owner] of after.entries()) if (owner !== before[key]) assert.equal(owner, members[2]!.url);
  assert.ok(countMoves(before, after) / KEYS < 0.15);
});

test('heavy weights do not make the ring longer than it may be', () => {
  const members = toMembers(1_000, 1_000, 500);
  const counts = new Map<string, number>();
  for (const owner of ownersOf(members, 2_500)) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  for (const { url, share } of members)
    assert.ok(Math.abs(counts.get(url)! / KEYS - share / 2_500) < 0.03, `${url}: ${counts.get(url)}`);
});

test('a key that everybody asks for goes to more endpoints when its own has enough to do', () => {
  const members = toMembers(1, 1, 1, 1);
  const bench = new BalancerBench(create(1.5));
  bench.setMembers(members);
  for (let i = 0; i < 400; i++) bench.begin('popular');
  for (const { active } of members) assert.ok(active <= 151, `${active} run`);
  const unbounded = new BalancerBench(create());
  const others = toMembers(1, 1, 1, 1);
  unbounded.setMembers(others);
  for (let i = 0; i < 400; i++) unbounded.begin('popular');
  assert.equal(Math.max(...others.map(({ active }) => active)), 400);
});

test('with a bound, a key is back at its own endpoint once that has less to do', () => {
  const members = toMembers(1, 1, 1);
  const bench = new BalancerBench(create(1.25));
  bench.setMembers(members);
  const own = bench.begin('user');
  bench.end(own);
  const busy = Array.from({ length: 30 }, () => bench.begin('user'));
  assert.ok(new Set(busy).size > 1);
  for (const member of busy) bench.end(member);
  assert.equal(bench.begin('user'), own);
});
