/** What every balancer keeps to, whatever it prefers: run by the tests of each. Draws are seeded, so that nothing is left to luck. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandomSource, type RandomSource } from '#base/random.ts';
import type { Balancer } from '#services/balancing/balancer.ts';
import type { Member } from '#services/balancing/member.ts';
import { ServiceLoad } from '#services/balancing/service-load.ts';

export interface BalancerMeans {
  readonly random: RandomSource;
  readonly load: ServiceLoad;
}

/** An endpoint that counts. */
export class TestMember implements Member {
  readonly url: string;
  share: number;
  active = 0;
  picked = 0;

  constructor(url: string, share = 1) {
    this.url = url;
    this.share = share;
  }
}

export function toMembers(...shares: readonly number[]): TestMember[] {
  return shares.map((share, position) => new TestMember(`http://10.0.0.${position + 1}:3000`, share));
}

/** Lets requests come to a balancer one after the other, each by a client of its own. */
export class BalancerBench {
  readonly balancer: Balancer<TestMember>;
  readonly load = new ServiceLoad();
  nowMs = 1_000.5;
  #clients = 0;

  constructor(create: (means: BalancerMeans) => Balancer<TestMember>) {
    this.balancer = create({ random: createRandomSource(7), load: this.load });
  }

  setMembers(members: readonly TestMember[]): void {
    this.balancer.setMembers(
      members,
      members.reduce((sum, { share }) => sum + share, 0),
    );
  }

  pick(clientAddress = `client-${this.#clients++}`): TestMember {
    const member = this.balancer.pick({ clientAddress, exchange: undefined }, this.nowMs);
    member.picked += 1;
    return member;
  }

  /** A request that runs until it is ended. */
  begin(clientAddress?: string): TestMember {
    const member = this.pick(clientAddress);
    member.active += 1;
    this.load.active += 1;
    return member;
  }

  end(member: TestMember, tookMs = 10): void {
    member.active -= 1;
    this.load.active -= 1;
    const startedMs = this.nowMs - tookMs;
    const outcome = { startedMs, headMs: this.nowMs, endedMs: this.nowMs, status: 200, error: undefined, isCancelled: false };
    this.balancer.observer?.onAttemptEnded({ ...outcome, endpoint: member });
  }

  /** So many requests, each of which ends before the next one comes. */
  run(count: number): void {
    for (let i = 0; i < count; i++) {
      const member = this.begin();
      this.nowMs += 1;
      this.end(member);
    }
  }
}

const REQUESTS = 20_000;

/** `tolerance`: how far from its share a member may be over many requests, as a part of it. */
export function testBalancer(
  name: string,
  create: (means: BalancerMeans) => Balancer<TestMember>,
  { tolerance }: { readonly tolerance: number },
): void {
  const start = (members: readonly TestMember[]): BalancerBench => {
    const bench = new BalancerBench(create);
    bench.setMembers(members);
    return bench;
  };
  const expectShares = (members: readonly TestMember[], requests: number): void => {
    const sum = members.reduce((total, { share }) => total + share, 0);
    for (const { url, share, picked } of members) {
      const expected = (requests * share) / sum;
      assert.ok(Math.abs(picked - expected) <= tolerance * expected, `${url}: ${picked} requests, expected about ${expected}`);
    }
  };

  test(`${name}: the only member gets everything`, () => {
    const members = toMembers(0.25);
    start(members).run(10);
    assert.equal(members[0]!.picked, 10);
  });

  for (const shares of [
    [1, 1],
    [1, 1, 1, 1, 1, 1, 1],
    [3, 1],
    [5, 2, 1],
    [0.5, 1.25, 1],
    [200, 100],
  ]) {
    test(`${name}: members get their shares of ${shares.join(', ')}`, () => {
      const members = toMembers(...shares);
      start(members).run(REQUESTS);
      expectShares(members, REQUESTS);
    });
  }

  test(`${name}: members get their shares while many requests run at a time`, () => {
    const members = toMembers(3, 1, 1, 1);
    const bench = start(members);
    const running = Array.from({ length: 60 }, () => bench.begin());
    for (let i = running.length; i < REQUESTS; i++) {
      bench.nowMs += 0.2;
      bench.end(running.shift()!);
      running.push(bench.begin());
    }
    expectShares(members, REQUESTS);
  });

  test(`${name}: whoever is no member any more gets nothing, and gets its share when it is back`, () => {
    const members = toMembers(1, 1, 1);
    const bench = start(members);
    bench.run(100);
    const [left, ...stayed] = members;
    const before = left!.picked;
    bench.setMembers(stayed);
    bench.run(1_000);
    assert.equal(left!.picked, before);
    bench.setMembers(members);
    for (const member of members) member.picked = 0;
    bench.run(REQUESTS);
    expectShares(members, REQUESTS);
  });

  test(`${name}: another share counts from the next request on`, () => {
    const members = toMembers(1, 1);
    const bench = start(members);
    bench.run(100);
    members[0]!.share = 4;
    bench.setMembers(members);
    for (const member of members) member.picked = 0;
    bench.run(REQUESTS);
    expectShares(members, REQUESTS);
  });

  test(`${name}: members that come and go all the time do not disturb the shares of those that stay`, () => {
    const members = toMembers(2, 1, 1, 1);
    const [first, second, ...changing] = members;
    const bench = start(members);
    for (let round = 0; round < REQUESTS / 2; round++) {
      const guest = changing[round % changing.length]!;
      bench.setMembers(round % 3 === 0 ? [guest, first!, second!] : [first!, second!, guest]);
      bench.run(2);
    }
    const ratio = first!.picked / second!.picked;
    assert.ok(Math.abs(ratio - 2) <= 4 * tolerance, `${ratio} times as much for twice the share`);
  });

  test(`${name}: hundreds of members all get something`, () => {
    const members = toMembers(...Array.from({ length: 300 }, (_, i) => 1 + (i % 3)));
    start(members).run(REQUESTS);
    assert.ok(members.every(({ picked }) => picked > 0));
  });
}
