import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type NameRecord, type NameServer, startNameServer } from '#test/support/name-server.ts';
import { NameResolver } from './name-resolver.ts';

async function start(
  t: TestContext,
  names: Readonly<Record<string, NameRecord>>,
  ttl: { ttlMinMs: number; ttlMaxMs: number } = { ttlMinMs: 1_000, ttlMaxMs: 300_000 },
): Promise<{ server: NameServer; resolver: NameResolver; clock: FakeClock }> {
  const server = await startNameServer(names);
  const clock = new FakeClock();
  const resolver = new NameResolver({ servers: [server.address], ...ttl }, clock);
  t.after(() => {
    resolver.close();
    return server.close();
  });
  return { server, resolver, clock };
}

/** At least: a question whose answer is late is sent once more. */
const askedAgain = ({ queries }: NameServer, count: number) =>
  eventually(() => queries.length >= count, 'the name is asked for again');

const addressesOf = async (resolver: NameResolver, host: string) => (await resolver.resolve(host)).map(({ address }) => address);

test('an address resolves to itself, and nobody is asked', async (t) => {
  const { server, resolver } = await start(t, {});
  assert.deepEqual(await resolver.resolve('192.0.2.1'), [{ address: '192.0.2.1', family: 4 }]);
  assert.deepEqual(await resolver.resolve('2001:db8::1'), [{ address: '2001:db8::1', family: 6 }]);
  assert.deepEqual(server.queries, []);
});

test('a name is asked for once while its answer lives', async (t) => {
  const { server, resolver, clock } = await start(t, { 'a.test': { addresses: ['192.0.2.1'], ttlSeconds: 30 } });
  const answers = await Promise.all([resolver.resolve('a.test'), resolver.resolve('a.test')]);
  assert.deepEqual(answers[0], [{ address: '192.0.2.1', family: 4 }]);
  assert.deepEqual([...new Set(server.queries)].sort(), ['A a.test', 'AAAA a.test']);
  const { length } = server.queries;
  clock.advance(29_000);
  await resolver.resolve('a.test');
  assert.equal(server.queries.length, length);
});

test('when the time to live is over the name is asked for again, and nobody waits for that', async (t) => {
  const { server, resolver, clock } = await start(t, { 'a.test': { addresses: ['192.0.2.1'], ttlSeconds: 30 } });
  await resolver.resolve('a.test');
  const { length } = server.queries;
  server.records.set('a.test', { addresses: ['192.0.2.2'], ttlSeconds: 30 });
  clock.advance(30_500);
  assert.deepEqual(await addressesOf(resolver, 'a.test'), ['192.0.2.1']);
  await askedAgain(server, length + 2);
  await answered(resolver, 'a.test', '192.0.2.2');
});

/** Waits until the name resolves to this address. */
async function answered(resolver: NameResolver, host: string, address: string): Promise<void> {
  let seen = '';
  await eventually(() => {
    resolver.resolve(host).then(([first]) => {
      seen = first!.address;
    });
    return seen === address;
  }, `${host} is ${address}`);
}

const ttlCases = [
  { name: 'at least for ttlMin', ttlSeconds: 0, livesMs: 4_000, isOverMs: 1_500 },
  { name: 'at most for ttlMax', ttlSeconds: 86_400, livesMs: 59_000, isOverMs: 1_500 },
];

for (const { name, ttlSeconds, livesMs, isOverMs } of ttlCases) {
  test(`an answer is kept ${name}`, async (t) => {
    const record = { addresses: ['192.0.2.1'], ttlSeconds };
    const { server, resolver, clock } = await start(t, { 'a.test': record }, { ttlMinMs: 5_000, ttlMaxMs: 60_000 });
    await resolver.resolve('a.test');
    const { length } = server.queries;
    clock.advance(livesMs);
    await resolver.resolve('a.test');
    assert.equal(server.queries.length, length);
    clock.advance(isOverMs);
    await resolver.resolve('a.test');
    await askedAgain(server, length + 2);
  });
}

test('the last good answer is kept while the name server is away, and while it does not know the name', async (t) => {
  const { server, resolver, clock } = await start(t, { 'a.test': { addresses: ['192.0.2.1'], ttlSeconds: 30 } });
  await resolver.resolve('a.test');
  const { length } = server.queries;
  server.records.delete('a.test');
  clock.advance(31_000);
  await resolver.resolve('a.test');
  await askedAgain(server, length + 2);
  assert.deepEqual(await addressesOf(resolver, 'a.test'), ['192.0.2.1']);
  await server.close();
  clock.advance(3_600_000);
  assert.deepEqual(await addressesOf(resolver, 'a.test'), ['192.0.2.1']);
});

test('a name that nobody knows is refused, and found once it is there', async (t) => {
  const { server, resolver } = await start(t, {});
  await assert.rejects(resolver.resolve('a.test'), { code: 'ENOTFOUND' });
  server.records.set('a.test', { addresses: ['192.0.2.1'], ttlSeconds: 30 });
  assert.deepEqual(await addressesOf(resolver, 'a.test'), ['192.0.2.1']);
});

test('a name that is not trusted any more is asked for again, though not more often than ttlMin', async (t) => {
  const { server, resolver, clock } = await start(t, { 'a.test': { addresses: ['192.0.2.1'], ttlSeconds: 300 } });
  await resolver.resolve('a.test');
  const { length } = server.queries;
  resolver.distrust('a.test');
  await resolver.resolve('a.test');
  assert.equal(server.queries.length, length);
  clock.advance(1_100);
  await resolver.resolve('a.test');
  await askedAgain(server, length + 2);
});

test('each address of a name comes first in its turn, and the families alternate', async (t) => {
  const { resolver } = await start(t, {
    'four.test': { addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'], ttlSeconds: 30 },
    'both.test': { addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'], ttlSeconds: 30 },
  });
  const firsts = [];
  for (let i = 0; i < 6; i++) firsts.push((await addressesOf(resolver, 'four.test'))[0]);
  assert.deepEqual(new Set(firsts.slice(0, 3)).size, 3);
  assert.deepEqual(firsts.slice(3), firsts.slice(0, 3));
  const families = (await resolver.resolve('both.test')).map(({ family }) => family);
  assert.deepEqual(families, [6, 4, 6, 4]);
});

test('both families are among the addresses of a name that has very many', async (t) => {
  const many = Array.from({ length: 20 }, (_, index) => `2001:db8::${(index + 1).toString(16)}`);
  const { resolver } = await start(t, { 'a.test': { addresses: [...many, '192.0.2.1'], ttlSeconds: 30 } });
  const addresses = await addressesOf(resolver, 'a.test');
  assert.equal(addresses.length, limits.connectAddressesMax);
  assert.ok(addresses.includes('192.0.2.1'));
});

test('localhost is known without any name server', async (t) => {
  const { server, resolver } = await start(t, {});
  assert.match((await addressesOf(resolver, 'localhost')).join(), /127\.0\.0\.1|::1/);
  assert.deepEqual(server.queries, []);
});

test('without name servers in the configuration the system is asked', async (t) => {
  const resolver = new NameResolver({ servers: [], ttlMinMs: 1_000, ttlMaxMs: 300_000 }, new FakeClock());
  t.after(() => resolver.close());
  assert.match((await addressesOf(resolver, 'localhost')).join(), /127\.0\.0\.1|::1/);
});
