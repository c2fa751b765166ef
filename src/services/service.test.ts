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
import { EndpointFlag } from './endpoint-board.ts';
import type { Service } from './service.ts';

const authorities: { name: string; url: string; expected: string }[] = [
  { name: 'host and port', url: 'http://orders:3000', expected: 'orders:3000' },
  { name: 'no port where it is the one of http', url: 'http://orders', expected: 'orders' },
  { name: 'no port where it is the one of https', url: 'https://orders', expected: 'orders' },
  { name: 'the port of https without TLS', url: 'http://orders:443', expected: 'orders:443' },
  { name: 'an IPv6 address in brackets', url: 'http://[::1]:3000', expected: '[::1]:3000' },
  { name: '`localhost` for a unix socket', url: 'unix:/run/orders.sock', expected: 'localhost' },
];

for (const { name, url, expected } of authorities) {
  test(`the host of an endpoint is ${name}`, () => {
    const service = createTestService([url], { host: 'endpoint' });
    assert.equal(service.authorityFor(service.endpoints[0]!, 'shop'), expected);
  });
}

test('the host that the upstream sees is the one of the client, or the endpoint’s where the client names none', () => {
  const service = createTestService(['http://orders:3000'], { host: 'client' });
  assert.equal(service.authorityFor(service.endpoints[0]!, 'shop:81'), 'shop:81');
  assert.equal(service.authorityFor(service.endpoints[0]!, ''), 'orders:3000');
});

test('the host that the upstream sees is a fixed one', () => {
  const service = createTestService(['http://orders:3000'], { host: { name: 'inner.test' } });
  assert.equal(service.authorityFor(service.endpoints[0]!, 'shop'), 'inner.test');
});

/** Attempts of half a second ago at the endpoint have failed, and its breaker lets one probe through again. */
function createHalfOpen(means: TestServiceMeans): Service {
  const { clock, wheel } = means;
  const breaker = { per: 'endpoint', failureShare: 0.5, overMs: 10_000, requestsMin: 1, openForMs: 400, probes: 1 } as const;
  const service = createTestService(
    ['http://a', 'http://b'],
    { protection: { breaker, concurrency: undefined, slot: SERVICE_SLOT } },
    means,
  );
  const nowMs = clock.monotonicMs();
  const times = { startedMs: nowMs, headMs: nowMs, endedMs: nowMs };
  service.onAttemptEnded({ endpoint: service.endpoints[1]!, ...times, status: 500, error: undefined, isCancelled: false });
  assert.equal(service.pickUntried([service.endpoints[0]!]), undefined);
  clock.advance(500);
  wheel.advance();
  return service;
}

test('looking for another endpoint spends no probe, and going there does', () => {
  const service = createHalfOpen(createServiceMeans());
  const [a, b] = service.endpoints;
  for (let i = 0; i < 3; i++) assert.equal(service.pickUntried([a!]), b);
  assert.equal(service.letsTo(b!), true);
  assert.equal(service.letsTo(b!), false);
  assert.equal(service.pickUntried([a!]), undefined);
});

function pickMany(service: Service, count: number): string {
  return Array.from({ length: count }, () => service.pick(anyone)?.authority ?? '-').join(' ');
}

test('endpoints are picked by weight, and one of weight 0 is not', () => {
  const service = createTestService(['3 http://a', 'http://b', '0 http://c']);
  assert.equal(pickMany(service, 8), 'a a b a a a b a');
});

test('a service without endpoints picks none', () => {
  assert.equal(createTestService([]).pick(anyone), undefined);
});

test('an endpoint that was tried gives way to the next one, unless all were', () => {
  const service = createTestService(['http://a', 'http://b', 'http://c']);
  const [a, b, c] = service.endpoints;
  for (let i = 0; i < 6; i++) assert.notEqual(service.pick(anyone, [a!]), a);
  for (let i = 0; i < 6; i++) assert.equal(service.pick(anyone, [c!, a!]), b);
  assert.ok(service.pick(anyone, [a!, b!, c!]));
});

test('an endpoint is not picked while it is unhealthy, draining or ejected, and again afterwards', () => {
  const means = createServiceMeans();
  const { board, clock, wheel } = means;
  const service = createTestService(['http://a', 'http://b'], {}, means);
  const slot = service.endpoints[0]!.slot;
  for (const flag of [EndpointFlag.unhealthy, EndpointFlag.draining]) {
    assert.equal(board.setFlag(slot, flag, true), true);
    assert.equal(board.setFlag(slot, flag, true), false);
    assert.equal(pickMany(service, 2), 'b b');
    board.setFlag(slot, flag, false);
    assert.equal(pickMany(service, 2), 'a b');
  }
  board.eject(slot, clock.monotonicMs() + 500);
  assert.equal(pickMany(service, 2), 'b b');
  clock.advance(400);
  wheel.advance();
  assert.equal(pickMany(service, 2), 'b b');
  clock.advance(200);
  wheel.advance();
  assert.equal(pickMany(service, 2), 'a b');
});

test('with every endpoint unhealthy there is none to pick', () => {
  const means = createServiceMeans();
  const service = createTestService(['http://a', 'http://b'], {}, means);
  for (const { slot } of service.endpoints) means.board.setFlag(slot, EndpointFlag.unhealthy, true);
  assert.equal(service.pick(anyone), undefined);
});

test('endpoints that stay in the list are the same afterwards, with their new weights; an older list changes nothing', () => {
  const service = createTestService(['http://a', 'http://b']);
  const [a] = service.endpoints;
  const [, , c] = toRecords('http://x', 'http://y', 'http://c');
  service.setEndpoints({ version: 3, records: [...toRecords('3 http://a'), c!], slot: SERVICE_SLOT });
  assert.equal(service.endpoints[0], a);
  assert.equal(pickMany(service, 4), 'a a c a');
  service.setEndpoints({ version: 2, records: toRecords('http://old'), slot: SERVICE_SLOT });
  assert.equal(pickMany(service, 4), 'a a c a');
});
