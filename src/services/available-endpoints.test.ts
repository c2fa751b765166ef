/** Who gets what while endpoints come, go and start slowly, through a service with each balancer. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  anyone,
  createServiceMeans,
  createTestService,
  SERVICE_SLOT,
  type TestServiceMeans,
  toRecords,
} from '#test/support/services.ts';
import type { BalanceDefinition } from './balancing/balancing-definition.ts';
import { EndpointFlag } from './endpoint-board.ts';
import type { Service } from './service.ts';

const slowStartMs = 30_000;

function createService(balance: BalanceDefinition, written: readonly string[], means: TestServiceMeans): Service {
  return createTestService(written, { balancing: { balance, slowStartMs, zone: undefined, affinity: undefined } }, means);
}

function advance({ clock, wheel }: TestServiceMeans, ms: number): void {
  clock.advance(ms);
  wheel.advance();
}

/** The part of many requests, each from another address, that an endpoint gets. */
function partOf(service: Service, authority: string, count = 4_000): number {
  let got = 0;
  for (let i = 0; i < count; i++) {
    const clientAddress = `10.0.${i >> 8}.${i & 255}`;
    if (service.pick({ ...anyone, clientAddress })?.authority === authority) got += 1;
  }
  return got / count;
}

function expectPart(service: Service, authority: string, expected: number): void {
  const part = partOf(service, authority);
  assert.ok(Math.abs(part - expected) < 0.035, `${authority} gets ${part} and not ${expected}`);
}

const balances: readonly BalanceDefinition[] = [
  { kind: 'round-robin' },
  { kind: 'least-requests' },
  { kind: 'peak-ewma' },
  { kind: 'random' },
  { kind: 'hash', by: { kind: 'ip' }, boundedLoad: undefined },
];

for (const balance of balances) {
  test(`${balance.kind}: an endpoint that joins a running service gets its share little by little`, () => {
    const means = createServiceMeans();
    const service = createService(balance, ['http://a', 'http://b'], means);
    expectPart(service, 'a', 0.5);
    service.setEndpoints({ version: 2, slot: SERVICE_SLOT, records: toRecords('http://a', 'http://b', 'http://c') });
    expectPart(service, 'c', 0.1 / 2.1);
    advance(means, slowStartMs / 2);
    expectPart(service, 'c', 0.5 / 2.5);
    advance(means, slowStartMs / 2 + 100);
    expectPart(service, 'c', 1 / 3);
  });
}

test('an endpoint that is healthy again starts slowly, and again after it has failed once more', () => {
  const means = createServiceMeans();
  const service = createService({ kind: 'round-robin' }, ['http://a', 'http://b'], means);
  const { slot } = service.endpoints[0]!;
  means.board.setFlag(slot, EndpointFlag.unhealthy, true);
  assert.equal(partOf(service, 'a'), 0);
  means.board.setFlag(slot, EndpointFlag.unhealthy, false);
  expectPart(service, 'a', 0.1 / 1.1);
  advance(means, slowStartMs);
  expectPart(service, 'a', 0.5);
  means.board.eject(slot, means.clock.monotonicMs() + 1_000);
  assert.equal(partOf(service, 'a'), 0);
  advance(means, 1_200);
  expectPart(service, 'a', 0.1 / 1.1);
});

test('endpoints that a service begins with have their whole share at once', () => {
  const means = createServiceMeans();
  const service = createService({ kind: 'round-robin' }, ['3 http://a', 'http://b'], means);
  expectPart(service, 'a', 0.75);
});

test('an endpoint of weight 0 that gets a weight starts slowly', () => {
  const means = createServiceMeans();
  const service = createService({ kind: 'round-robin' }, ['0 http://a', 'http://b'], means);
  assert.equal(partOf(service, 'a'), 0);
  service.setEndpoints({ version: 2, slot: SERVICE_SLOT, records: toRecords('http://a', 'http://b') });
  expectPart(service, 'a', 0.1 / 1.1);
});

test('slow start keeps to failover: one that waits for others to fail is not warmed up by waiting less', () => {
  const means = createServiceMeans();
  const service = createService({ kind: 'round-robin' }, ['http://a', 'http://b'], means);
  const [a, b] = toRecords('http://a', 'http://b');
  service.setEndpoints({ version: 2, slot: SERVICE_SLOT, records: [a!, { ...b!, priority: 1 }] });
  assert.equal(partOf(service, 'b'), 0);
  means.board.setFlag(service.endpoints[0]!.slot, EndpointFlag.unhealthy, true);
  assert.equal(partOf(service, 'b'), 1);
});

test('after a failed attempt, endpoints that take traffic come before those that wait', () => {
  const service = createTestService(['http://a', 'http://b', 'http://c']);
  const [a, b, c] = toRecords('http://a', 'http://b', 'http://c');
  service.setEndpoints({ version: 2, slot: SERVICE_SLOT, records: [{ ...a!, priority: 1 }, b!, c!] });
  const [first, second, third] = service.endpoints;
  assert.equal(service.pick(anyone, [second!]), third);
  assert.equal(service.pick(anyone, [second!, third!]), first);
});

test('news of other services do not disturb whose turn it is', () => {
  const means = createServiceMeans();
  const service = createService({ kind: 'round-robin' }, ['http://a', 'http://b'], means);
  const picked = Array.from({ length: 6 }, () => {
    means.board.touch();
    return service.pick(anyone)?.authority;
  });
  assert.deepEqual(picked, ['a', 'b', 'a', 'b', 'a', 'b']);
});
