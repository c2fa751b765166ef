import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { type NameRecord, startNameServer } from '#test/support/name-server.ts';
import { startSource } from '#test/support/source-bench.ts';
import { DnsEndpoints, type DnsSettings } from './dns-endpoints.ts';

/** Ticks of the wheel come up to two late. */
const LATE_MS = 200;
const NAME = 'orders.test';

async function setUp(t: TestContext, record: NameRecord | undefined, settings: Partial<DnsSettings> = {}) {
  const server = await startNameServer(record === undefined ? {} : { [NAME]: record });
  t.after(() => server.close());
  const bench = startSource(
    t,
    (means) =>
      new DnsEndpoints(
        { kind: 'dns', name: NAME, type: 'A', port: 80, scheme: 'http', every: undefined, ...settings } as DnsSettings,
        { servers: [server.address], ttlMinMs: 1_000, ttlMaxMs: 60_000 },
        means,
      ),
  );
  // At least: a question whose answer is late is sent once more.
  const asked = async (count: number) => eventually(() => server.queries.length >= count, `${count} questions were asked`);
  return { server, bench, asked };
}

test('each address is an endpoint', async (t) => {
  const { bench } = await setUp(t, { addresses: ['10.0.0.1', '10.0.0.2', 'fd00::1'], ttlSeconds: 5 }, { type: 'A+AAAA' });
  await bench.until('1 http://10.0.0.1:80', '1 http://10.0.0.2:80', '1 http://[fd00::1]:80');
  assert.deepEqual(bench.events, []);
});

for (const { type, expected } of [
  { type: 'A', expected: '1 http://10.0.0.1:80' },
  { type: 'AAAA', expected: '1 http://[fd00::1]:80' },
] as const) {
  test(`asks for ${type} records alone when told so`, async (t) => {
    const { server, bench } = await setUp(t, { addresses: ['10.0.0.1', 'fd00::1'], ttlSeconds: 5 }, { type });
    await bench.until(expected);
    assert.deepEqual([...new Set(server.queries)], [`${type} ${NAME}`]);
  });
}

for (const { what, ttlSeconds, every, expectedMs } of [
  { what: 'as long as its answer lives', ttlSeconds: 7, every: undefined, expectedMs: 7_000 },
  { what: 'not sooner than the least time', ttlSeconds: 0, every: undefined, expectedMs: 1_000 },
  { what: 'not later than the longest time', ttlSeconds: 86_400, every: undefined, expectedMs: 60_000 },
  { what: 'as often as the configuration says', ttlSeconds: 86_400, every: 300, expectedMs: 300 },
]) {
  test(`a name is asked for again after ${what}`, async (t) => {
    const { server, bench, asked } = await setUp(t, { addresses: ['10.0.0.1'], ttlSeconds }, { every });
    await bench.until('1 http://10.0.0.1:80');
    server.records.set(NAME, { addresses: ['10.0.0.2'], ttlSeconds });
    const { length } = server.queries;
    bench.pass(expectedMs - 100);
    assert.equal(server.queries.length, length);
    bench.pass(100 + LATE_MS);
    await bench.until('1 http://10.0.0.2:80');
    await asked(length + 1);
  });
}

const srv = { type: 'SRV', port: undefined } as const;

/** One SRV record for each, `priority weight host`, all on port 80. */
function toServices(...records: readonly string[]): NameRecord {
  const services = records.map((record) => {
    const [priority, weight, host] = record.split(' ');
    return { priority: Number(priority), weight: Number(weight), port: 80, host: host! };
  });
  return { services, ttlSeconds: 5 };
}

test('SRV records bring port, weight and priority: those with the lowest number come first, whatever it is', async (t) => {
  const services = [
    { priority: 20, weight: 9, port: 8082, host: 'c.orders.test' },
    { priority: 10, weight: 3, port: 8080, host: 'a.orders.test' },
    { priority: 65_535, weight: 2, port: 8083, host: 'd.orders.test' },
    { priority: 10, weight: 4, port: 8081, host: 'b.orders.test' },
  ];
  const { server, bench } = await setUp(t, { services, ttlSeconds: 5 }, srv);
  await bench.until(
    '2 http://d.orders.test:8083 (2)',
    '3 http://a.orders.test:8080',
    '4 http://b.orders.test:8081',
    '9 http://c.orders.test:8082 (1)',
  );
  server.records.set(NAME, { services: services.slice(2, 3), ttlSeconds: 5 });
  bench.pass(5_000 + LATE_MS);
  await bench.until('2 http://d.orders.test:8083');
});

// RFC 2782: of the weights of one priority, all that are 0 together have one chance more.
for (const { what, records, expected } of [
  { what: 'a weight of 0 is one chance more', records: ['1 9 a', '1 0 b'], expected: ['1 http://b:80', '9 http://a:80'] },
  {
    what: 'several weights of 0 share one chance',
    records: ['1 9 a', '1 0 b', '1 0 c'],
    expected: ['0.5 http://b:80', '0.5 http://c:80', '9 http://a:80'],
  },
  {
    what: 'endpoints whose weights are all 0 are chosen alike',
    records: ['1 0 a', '1 0 b'],
    expected: ['1 http://a:80', '1 http://b:80'],
  },
  {
    what: 'weights of another priority do not matter for that',
    records: ['1 0 a', '2 9 b', '2 0 c'],
    expected: ['1 http://a:80', '1 http://c:80 (1)', '9 http://b:80 (1)'],
  },
  {
    what: 'an endpoint of two priorities has the first one',
    records: ['2 9 a', '1 3 a', '2 1 b'],
    expected: ['1 http://b:80 (1)', '3 http://a:80'],
  },
  {
    what: 'a priority without a host is none',
    records: ['0 0 .', '1 3 a', '2 3 b'],
    expected: ['3 http://a:80', '3 http://b:80 (1)'],
  },
]) {
  test(`SRV records: ${what}`, async (t) => {
    const { bench } = await setUp(t, toServices(...records), srv);
    await bench.until(...expected);
  });
}

test('an SRV record that names no host says that there is no service', async (t) => {
  const { server, bench } = await setUp(
    t,
    { services: [{ priority: 1, weight: 1, port: 80, host: 'a.orders.test' }], ttlSeconds: 5 },
    { type: 'SRV', port: undefined },
  );
  await bench.until('1 http://a.orders.test:80');
  server.records.set(NAME, { services: [{ priority: 0, weight: 0, port: 0, host: '.' }], ttlSeconds: 5 });
  bench.pass(5_000 + LATE_MS);
  await bench.until();
});

for (const { what, spoil, reason } of [
  { what: 'fails', spoil: 'fault', reason: 'ESERVFAIL' },
  { what: 'knows the name no more', spoil: 'unknown', reason: 'the name has no such records' },
  { what: 'has no records of the name any more', spoil: 'empty', reason: 'the name has no such records' },
] as const) {
  test(`the last good answer stays when the name server ${what}, which is told once`, async (t) => {
    const { server, bench } = await setUp(t, { addresses: ['10.0.0.1'], ttlSeconds: 1 });
    await bench.until('1 http://10.0.0.1:80');
    if (spoil === 'fault') server.faults.set(NAME, 'SERVFAIL');
    else if (spoil === 'unknown') server.records.delete(NAME);
    else server.records.set(NAME, { addresses: [], ttlSeconds: 1 });
    bench.pass(1_000 + LATE_MS);
    await eventually(() => bench.events.length === 1, 'the failure is told');
    const questions = server.queries.length;
    bench.pass(5_000 + LATE_MS);
    await eventually(() => server.queries.length > questions, 'it was asked again');
    assert.deepEqual(bench.endpoints, ['1 http://10.0.0.1:80']);
    assert.deepEqual(bench.events, [
      {
        level: 'warn',
        message: 'endpoints cannot be found',
        fields: { service: 'orders', source: 'dns', name: NAME, reason },
      },
    ]);
    server.faults.clear();
    server.records.set(NAME, { addresses: ['10.0.0.2'], ttlSeconds: 1 });
    await eventually(() => {
      bench.pass(1_000);
      return bench.endpoints.join() === '1 http://10.0.0.2:80';
    }, 'the name server is believed again');
    assert.equal(bench.events.at(-1)!.message, 'endpoints are found again');
  });
}

test('addresses of one version stay while the question for them fails, and the others follow their answer', async (t) => {
  const { server, bench } = await setUp(t, { addresses: ['10.0.0.1', 'fd00::1'], ttlSeconds: 1 }, { type: 'A+AAAA' });
  await bench.until('1 http://10.0.0.1:80', '1 http://[fd00::1]:80');
  server.faults.set(`AAAA ${NAME}`, 'SERVFAIL');
  server.records.set(NAME, { addresses: ['10.0.0.2'], ttlSeconds: 1 });
  bench.pass(1_000 + LATE_MS);
  await bench.until('1 http://10.0.0.2:80', '1 http://[fd00::1]:80');
  server.faults.clear();
  bench.pass(1_000 + LATE_MS);
  await bench.until('1 http://10.0.0.2:80');
});

test('a name that is not known yet is asked for again, less and less often', async (t) => {
  const { server, bench, asked } = await setUp(t, undefined);
  await eventually(() => bench.events.length === 1, 'it is told');
  assert.equal(bench.failures, 1);
  const { length } = server.queries;
  bench.pass(1_500);
  assert.equal(server.queries.length, length);
  bench.pass(500 + LATE_MS);
  await asked(length + 1);
  server.records.set(NAME, { addresses: ['10.0.0.1'], ttlSeconds: 1 });
  await eventually(() => {
    bench.pass(1_000);
    return bench.told > 0;
  }, 'the name is there');
  assert.deepEqual(bench.endpoints, ['1 http://10.0.0.1:80']);
});

test('hundreds of addresses come over TCP', async (t) => {
  const addresses = Array.from({ length: 700 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const { bench } = await setUp(t, { addresses, ttlSeconds: 5 });
  await eventually(() => bench.endpoints.length === 700, 'all are there');
});

test('says nothing any more when it is stopped', async (t) => {
  const { server, bench } = await setUp(t, { addresses: ['10.0.0.1'], ttlSeconds: 1 });
  bench.source.stop();
  server.records.set(NAME, { addresses: ['10.0.0.2'], ttlSeconds: 1 });
  bench.pass(10_000);
  assert.equal(bench.told, 0);
  assert.deepEqual(bench.events, []);
});
