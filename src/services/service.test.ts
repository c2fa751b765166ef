import assert from 'node:assert/strict';
import test from 'node:test';
import { TimerWheel } from '#base/timer-wheel.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type EndpointDefinition, Service, type ServiceDefinition } from './service.ts';

function createService(endpoints: readonly EndpointDefinition[], host: ServiceDefinition['host']): Service {
  const clock = new FakeClock();
  const definition: ServiceDefinition = {
    name: 'orders',
    endpoints,
    protocol: 'http1',
    proxyProtocol: undefined,
    timeouts: { connectMs: 1_000, firstByteMs: 1_000, idleMs: 1_000 },
    pool: { connectionsMax: 10, queueMax: 10, queueTimeoutMs: 1_000, idleMs: 1_000 },
    host,
  };
  const resolver = new NameResolver({ servers: [], ttlMinMs: 1_000, ttlMaxMs: 1_000 }, clock);
  return new Service(definition, { wheel: new TimerWheel(clock), buffers: new ReadBuffers(), resolver });
}

const plainTls = {
  serverName: undefined,
  ca: undefined,
  crl: undefined,
  certificate: undefined,
  isVerified: true,
  protocols: ['http/1.1'],
};

function endpoint(
  address: EndpointDefinition['address'],
  options: { weight?: number; isSecure?: boolean } = {},
): EndpointDefinition {
  return { url: JSON.stringify(address), address, tls: options.isSecure ? plainTls : undefined, weight: options.weight ?? 1 };
}

const authorities: { name: string; definition: EndpointDefinition; expected: string }[] = [
  { name: 'host and port', definition: endpoint({ host: 'orders', port: 3000 }), expected: 'orders:3000' },
  { name: 'no port where it is the one of http', definition: endpoint({ host: 'orders', port: 80 }), expected: 'orders' },
  {
    name: 'no port where it is the one of https',
    definition: endpoint({ host: 'orders', port: 443 }, { isSecure: true }),
    expected: 'orders',
  },
  { name: 'the port of https without TLS', definition: endpoint({ host: 'orders', port: 443 }), expected: 'orders:443' },
  { name: 'an IPv6 address in brackets', definition: endpoint({ host: '::1', port: 3000 }), expected: '[::1]:3000' },
  { name: '`localhost` for a unix socket', definition: endpoint({ path: '/run/orders.sock' }), expected: 'localhost' },
];

for (const { name, definition, expected } of authorities) {
  test(`the host of an endpoint is ${name}`, () => {
    const service = createService([definition], 'endpoint');
    assert.equal(service.authorityFor(service.pick(), 'shop'), expected);
  });
}

test('the host that the upstream sees is the one of the client, or the endpoint’s where the client names none', () => {
  const service = createService([endpoint({ host: 'orders', port: 3000 })], 'client');
  assert.equal(service.authorityFor(service.pick(), 'shop:81'), 'shop:81');
  assert.equal(service.authorityFor(service.pick(), ''), 'orders:3000');
});

test('the host that the upstream sees is a fixed one', () => {
  const service = createService([endpoint({ host: 'orders', port: 3000 })], { name: 'inner.test' });
  assert.equal(service.authorityFor(service.pick(), 'shop'), 'inner.test');
});

test('endpoints are picked by weight', () => {
  const service = createService([endpoint({ host: 'a', port: 1 }, { weight: 3 }), endpoint({ host: 'b', port: 1 })], 'client');
  const picked = Array.from({ length: 8 }, () => service.pick().authority).sort();
  assert.deepEqual(picked, [...Array<string>(6).fill('a:1'), ...Array<string>(2).fill('b:1')]);
});
