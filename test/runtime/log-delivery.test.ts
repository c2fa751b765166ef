/** The access log on its way to collectors and syslog servers: what arrives, and that whoever is slow or gone hurts no request. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { listenFor } from '#test/support/listening-server.ts';
import { listPostedLines, listRecords, startPostCollector, startSyslogServer } from '#test/support/log-collector.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

/** No connection goes out from here by itself, so the port of a server that is away stays free. */
const ASIDE = '127.0.1.11';
const routes: GatewayInput['routes'] = {
  all: { match: { path: '/*' }, to: { respond: { text: 'here' } } },
  bad: { match: { path: '/bad' }, to: 'nowhere' },
};
const services: GatewayInput['services'] = { nowhere: { endpoints: ['http://127.0.0.1:1'] } };

async function start(t: TestContext, accessLog: GatewayInput['accessLog'], { threads = 0, ...more }: Partial<GatewayInput> = {}) {
  const gateway = await startTestGateway(
    { routes, services, shutdown: { deadline: '2s' }, accessLog: { flushEvery: '10ms', ...(accessLog as object) }, ...more },
    { threads },
  );
  t.after(() => gateway.stop());
  return gateway;
}

for (const threads of [0, 2]) {
  test(`lines are posted as JSON lines, with ${threads} data threads`, async (t) => {
    const collector = await startPostCollector(t);
    const to = { http: `${collector.url}/ingest`, headers: { 'x-api-key': 'secret-of-the-collector' } };
    const gateway = await start(t, { to }, { threads });
    for (let i = 0; i < 20; i++) await ask(gateway.port(), `/${i}`);
    await eventually(() => listPostedLines(collector).length === 20, 'all lines are there');
    const targets = listPostedLines(collector).map(({ target }) => target);
    assert.deepEqual(new Set(targets), new Set(Array.from({ length: 20 }, (_, i) => `/${i}`)));
    const [{ path, headers }] = collector.taken as [(typeof collector.taken)[0]];
    assert.equal(path, '/ingest');
    assert.equal(headers['content-type'], 'application/x-ndjson');
    assert.equal(headers['x-api-key'], 'secret-of-the-collector');
  });

  test(`lines become records of OpenTelemetry, with ${threads} data threads`, async (t) => {
    const collector = await startPostCollector(t);
    const gateway = await start(t, { to: { otlp: collector.url }, fields: { env: 'prod' } }, { threads });
    await ask(gateway.port(), '/orders?page=2');
    await ask(gateway.port(), '/bad');
    await eventually(() => listRecords(collector).length === 2, 'both records are there');
    assert.equal(collector.taken[0]!.path, '/v1/logs');
    assert.equal(collector.taken[0]!.headers['content-type'], 'application/x-protobuf');
    const records = listRecords(collector);
    const good = records.find(({ severity }) => severity === 'INFO')!;
    assert.equal(good.body, 'GET /orders?page=2 200');
    assert.equal(good.attributes['http.request.method'], 'GET');
    assert.equal(good.attributes['http.response.status_code'], 200);
    assert.equal(good.attributes['url.original'], '/orders?page=2');
    assert.equal(good.attributes['client.address'], '127.0.0.1');
    assert.equal(good.attributes['route'], 'all');
    assert.equal(good.attributes['env'], 'prod');
    assert.equal(typeof good.attributes['durationMs'], 'number');
    assert.equal(good.resource['service.name'], 'gatehouse');
    assert.ok(Math.abs(Number(good.time / 1_000_000n) - Date.now()) < 60_000);
    const bad = records.find(({ severity }) => severity === 'ERROR')!;
    assert.equal(bad.attributes['error.type'], 'GH_UPSTREAM_UNREACHABLE');
    assert.equal(typeof bad.attributes['detail'], 'object');
  });

  test(`lines are messages of syslog over TCP, with ${threads} data threads`, async (t) => {
    const server = await startSyslogServer(t);
    const to = { syslog: `tcp://127.0.0.1:${server.port}`, facility: 'local3', app: 'shop' } as const;
    const gateway = await start(t, { to }, { threads });
    await ask(gateway.port(), '/good');
    await ask(gateway.port(), '/bad');
    await eventually(() => server.messages.length === 2, 'both messages are there');
    const good = server.messages.find((message) => message.includes('/good'))!;
    // local3 is 19: 19 * 8 + 6, and + 3 for an error.
    assert.match(good, /^<158>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ shop \d+ access - \{"time":.*\}$/);
    assert.equal(JSON.parse(good.slice(good.indexOf('{')))['status'], 200);
    assert.match(server.messages.find((message) => message.includes('/bad'))!, /^<155>1 /);
  });
}

test('syslog goes over a Unix socket and by UDP too', async (t) => {
  const path = join(await makeFolder(t), 'syslog.sock');
  const server = await startSyslogServer(t, { path });
  const datagrams: string[] = [];
  const receiver = createSocket('udp4', (message) => void datagrams.push(message.toString()));
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve));
  t.after(() => void receiver.close());
  const udp = `udp://127.0.0.1:${receiver.address().port}`;
  const gateway = await start(t, { format: 'common', to: [{ syslog: `unix:${path}` }, { syslog: udp }] });
  await ask(gateway.port(), '/both');
  await eventually(() => server.messages.length === 1 && datagrams.length === 1, 'both are there');
  const expected = /^<134>1 \S+ \S+ gatehouse \d+ access - 127\.0\.0\.1 - - \[\S+ \+0000\] "GET \/both HTTP\/1\.1" 200 4$/;
  assert.match(server.messages[0]!, expected);
  assert.match(datagrams[0]!, expected);
});

test('what was collected when the gateway stops arrives before it ends', async (t) => {
  for (const threads of [0, 2]) {
    const collector = await startPostCollector(t);
    const syslog = await startSyslogServer(t);
    const to = [{ http: collector.url }, { syslog: `tcp://127.0.0.1:${syslog.port}` }];
    const gateway = await start(t, { to, flushEvery: '1m' }, { threads, shutdown: { deadline: '1m' } });
    for (let i = 0; i < 5; i++) await ask(gateway.port(), `/${i}`);
    assert.equal(collector.posts.length, 0);
    await gateway.control.drain();
    assert.equal(listPostedLines(collector).length, 5);
    await eventually(() => syslog.messages.length === 5, 'the messages are there');
  }
});

test('a collector that refuses for the moment gets the same lines again', async (t) => {
  const collector = await startPostCollector(t);
  collector.answer = (_, response) => void response.writeHead(429, { 'retry-after': '0' }).end();
  const gateway = await start(t, { to: { otlp: collector.url } });
  await ask(gateway.port(), '/once');
  await eventually(() => collector.posts.length >= 3, 'it was tried again');
  collector.answer = undefined;
  await eventually(() => listRecords(collector).length === 1, 'the record is there');
  assert.deepEqual(gateway.events, []);
});

test('a collector that refuses for good is told of once, and the lines are counted', async (t) => {
  const collector = await startPostCollector(t);
  collector.answer = (_, response) => void response.writeHead(400).end();
  const gateway = await start(t, { to: { http: collector.url } }, { admin: { address: '127.0.0.1:0' } });
  for (let i = 0; i < 3; i++) {
    await ask(gateway.port(), `/${i}`);
    await eventually(() => collector.posts.length > i, 'it was posted');
  }
  const told = gateway.events.filter(({ message }) => message === 'access log cannot be sent');
  assert.deepEqual(told, [
    { level: 'error', message: 'access log cannot be sent', fields: { to: 'http', reason: 'status 400', lines: 1 } },
  ]);
  const started = (await gateway.control.start()) as { admin: { port: number } };
  // The last one is counted when the gateway has the answer.
  await eventuallyAnswers(async () => {
    const metrics = await ask(started.admin.port, '/metrics');
    assert.match(metrics.body, /^gatehouse_access_log_lines_dropped_total\{to="http"\} 3$/m);
  });
});

test('a syslog server that goes away and comes back gets what was logged meanwhile', async (t) => {
  const first = await startSyslogServer(t, { host: ASIDE });
  const gateway = await start(t, { to: { syslog: `tcp://${ASIDE}:${first.port}` } });
  await ask(gateway.port(), '/before');
  await eventually(() => first.messages.length === 1, 'the first message is there');
  const closed = new Promise((resolve) => first.server.close(resolve));
  for (const socket of first.sockets) socket.destroy();
  await closed;
  await eventually(() => first.sockets.size === 0, 'the connection is gone');
  const refused = () => gateway.events.some(({ message }) => message === 'access log cannot be sent');
  do await ask(gateway.port(), '/meanwhile');
  while (!refused());
  const second = await startSyslogServer(t, { host: ASIDE, port: first.port });
  await ask(gateway.port(), '/after');
  await eventually(() => second.messages.some((message) => message.includes('/after')), 'the last message is there');
  assert.ok(second.messages.some((message) => message.includes('/meanwhile')));
});

test('a reload that moves the log takes all lines to where they belong', async (t) => {
  const one = await startPostCollector(t);
  const other = await startPostCollector(t);
  const gateway = await start(t, { to: { http: one.url } }, { threads: 2 });
  for (let i = 0; i < 10; i++) await ask(gateway.port(), `/one-${i}`);
  const moved = { routes, services, accessLog: { flushEvery: '10ms', to: { http: other.url } } } as const;
  assert.deepEqual(await gateway.reconfigure(moved), []);
  for (let i = 0; i < 10; i++) await ask(gateway.port(), `/other-${i}`);
  await eventually(() => listPostedLines(one).length + listPostedLines(other).length === 20, 'all lines are there');
  assert.ok(listPostedLines(one).every(({ target }) => String(target).startsWith('/one')));
  assert.ok(listPostedLines(other).every(({ target }) => String(target).startsWith('/other')));
});

test('a collector that never answers slows no request down, and what there is no room for is counted', async (t) => {
  const collector = await startPostCollector(t);
  collector.answer = () => undefined;
  const gateway = await start(
    t,
    { to: { http: collector.url, timeout: '1m', gzip: false }, fields: ['target', { filling: 'x'.repeat(60_000) }] },
    { admin: { address: '127.0.0.1:0' } },
  );
  const { admin } = (await gateway.control.start()) as { admin: { port: number } };
  const readDropped = async () => {
    const { body } = await ask(admin.port, '/metrics');
    return Number(/^gatehouse_access_log_lines_dropped_total\{to="http"\} (\d+)$/m.exec(body)?.[1] ?? 0);
  };
  // 60 kB each: after 140 of them the thread has handed over as much as may wait.
  for (let i = 0; i < 200; i++) assert.equal((await ask(gateway.port(), `/${i}`)).status, 200);
  await eventually(
    () => gateway.events.some(({ message }) => message === 'access log lines dropped'),
    'dropped lines are told of',
  );
  let dropped: number;
  // What the last requests left may not be handed over yet.
  do dropped = await readDropped();
  while (dropped <= 20);
  assert.ok(dropped > 20 && dropped < 140, `${dropped}`);
  await gateway.control.stop();
});

test('a record names the trace and the span of its request', async (t) => {
  const collector = await startPostCollector(t);
  const tracing = { to: { otlp: collector.url }, sample: '100%' } as const;
  const to = { otlp: collector.url };
  const gateway = await start(t, { to: [to, { to, fields: ['status'] }] }, { tracing });
  await ask(gateway.port(), '/traced');
  const isLogs = ({ path }: { path: string }) => path === '/v1/logs';
  const records = () => listRecords({ ...collector, taken: collector.taken.filter(isLogs) });
  await eventually(() => records().length === 2, 'both records are there');
  const [one, other] = records();
  assert.match(one!.traceId, /^[0-9a-f]{32}$/);
  assert.match(one!.spanId, /^[0-9a-f]{16}$/);
  assert.deepEqual([other!.traceId, other!.spanId], [one!.traceId, one!.spanId]);
  const few = [one!, other!].find(({ attributes }) => !('url.original' in attributes));
  assert.deepEqual(few?.attributes, { 'http.response.status_code': 200 });
});

test('syslog over TLS, and posts over HTTPS, trust the authority that the configuration names, and no other', async (t) => {
  const server = await startSyslogServer(t, { tls: certificates.localhost });
  const posts: string[] = [];
  const web = createServer(certificates.localhost, async (request, response) => {
    posts.push(await text(request));
    response.end();
  });
  const port = await listenFor(t, web);
  const places = (ca: string) => [
    { syslog: `tls://localhost:${server.port}`, ca },
    { http: `https://localhost:${port}`, ca, gzip: false, retryFor: '0s' },
  ];
  const gateway = await start(t, { to: places(certificatePaths.otherAuthority) });
  await ask(gateway.port(), '/first');
  const refused = () =>
    gateway.events.filter(({ message }) => message === 'access log cannot be sent').map(({ fields }) => fields?.['reason']);
  await eventually(() => refused().length === 2, 'both places are refused');
  assert.deepEqual(refused(), ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']);
  const accessLog = { flushEvery: '10ms', to: places(certificatePaths.authority) };
  assert.deepEqual(await gateway.reconfigure({ routes, services, accessLog }), []);
  await ask(gateway.port(), '/second');
  await eventually(() => server.messages.length > 0 && posts.length > 0, 'both places have the line');
  assert.ok(posts.join().includes('/second'));
  const missing = await gateway.reconfigure({ routes, services, accessLog: { to: places('/nowhere/ca.pem') } });
  assert.match(missing.join(), /the certificate authority \/nowhere\/ca\.pem cannot be read/);
});

test('a gateway that stops does not wait for a collector that never answers', async (t) => {
  const collector = await startPostCollector(t);
  collector.answer = () => undefined;
  const accessLog = { to: { http: collector.url, timeout: '1m' } } as const;
  const gateway = await start(t, accessLog, { shutdown: { deadline: '0s' } });
  await ask(gateway.port(), '/a');
  await eventually(() => collector.posts.length === 1, 'the collector has the line');
  await gateway.control.drain();
  assert.equal(collector.taken.length, 0);
});

test('a line may name the configuration, which a reload changes and the same one does not', async (t) => {
  const collector = await startPostCollector(t);
  const accessLog = { flushEvery: '10ms', to: { http: collector.url }, fields: ['configuration'] };
  const gateway = await start(t, accessLog);
  const nextName = async () => {
    const before = listPostedLines(collector).length;
    await ask(gateway.port(), '/a');
    await eventually(() => listPostedLines(collector).length > before, 'the line is there');
    return listPostedLines(collector).at(-1)?.['configuration'];
  };
  const first = await nextName();
  assert.match(String(first), /^[0-9a-f]{12}$/);
  const present = { routes, services, shutdown: { deadline: '2s' }, accessLog };
  assert.deepEqual(await gateway.reconfigure(present), []);
  assert.equal(await nextName(), first);
  assert.deepEqual(await gateway.reconfigure({ ...present, forwarding: { via: 'other' } }), []);
  assert.notEqual(await nextName(), first);
});
