/** A reload touches no connection whose own definition has not changed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';

/** Nobody else listens here, and no connection goes out from here by itself: a port that was left stays free. */
const ASIDE = '127.0.1.9';
const GET = 'GET /a HTTP/1.1\r\nhost: x\r\n\r\n';

async function startUpstream(
  t: TestContext,
  onData: (connection: UpstreamConnection, chunk: string) => void,
): Promise<RawUpstream> {
  const upstream = await startRawUpstream(onData);
  t.after(() => upstream.close());
  return upstream;
}

/** Answers each request with this text. */
function answering(text: string): (connection: UpstreamConnection, chunk: string) => void {
  return (connection) => connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
}

async function open(t: TestContext, gatehouse: GatehouseProcess, listener = 'web', host?: string): Promise<RawClient> {
  const client = await RawClient.open(await gatehouse.untilListening(listener), host);
  t.after(() => client.close());
  return client;
}

function forwarding(
  service: string,
  urls: Readonly<Record<string, string>>,
  more: Partial<GatewayInput> = {},
): Partial<GatewayInput> {
  return {
    threads: 1,
    services: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { endpoints: [url] }])),
    routes: { all: { match: { path: '/*' }, to: service } },
    ...more,
  };
}

function saying(text: string, more: Partial<GatewayInput> = {}): Partial<GatewayInput> {
  return { threads: 1, routes: { all: { match: { path: '/*' }, to: { respond: { text } } } }, ...more };
}

test('a connection that is kept alive gets the new routes with its next request', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  const client = await open(t, gatehouse);
  client.send(GET);
  await client.until('one');
  await gatehouse.reconfigure(saying('two'));
  client.take();
  client.send(GET);
  assert.doesNotMatch(await client.until('two'), /connection: close/);
});

test('a download goes on when its route and its service are gone', async (t) => {
  const upstream = await startUpstream(t, (connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst'));
  const gatehouse = await GatehouseProcess.start(t, forwarding('a', { a: upstream.url }));
  const client = await open(t, gatehouse);
  client.send(GET);
  await client.until('first');
  await gatehouse.reconfigure(saying('other'));
  const [connection] = upstream.connections;
  const closed = once(connection!.socket, 'close');
  connection!.send('later');
  await client.until('firstlater');
  // Nobody needs the upstream's connection any more.
  await closed;
  client.take();
  client.send(GET);
  await client.until('other');
});

test('a WebSocket goes on when its route, its service and its listener are gone', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => {
    if (chunk.startsWith('GET'))
      connection.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
    else connection.send(chunk.toUpperCase());
  });
  const both = { web: { address: '127.0.0.1:0' }, other: { address: '127.0.0.1:0' } };
  const gatehouse = await GatehouseProcess.start(t, forwarding('a', { a: upstream.url }, { listeners: both }));
  const client = await open(t, gatehouse);
  client.send('GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await client.until(/101 [\s\S]*\r\n\r\n$/);
  await gatehouse.reconfigure(saying('other', { listeners: { other: both.other } }));
  client.take();
  client.send('still there');
  assert.equal(await client.until('STILL THERE'), 'STILL THERE');
});

test('a request that began before the reload ends where it was sent', async (t) => {
  const before = await startUpstream(t, () => {});
  const after = await startUpstream(t, answering('after'));
  const urls = { before: before.url, after: after.url };
  const gatehouse = await GatehouseProcess.start(t, forwarding('before', urls));
  const client = await open(t, gatehouse);
  client.send(GET);
  await eventually(() => before.connections[0]?.received.includes('\r\n\r\n') === true, 'the request is there');
  await gatehouse.reconfigure(forwarding('after', urls));
  answering('before')(before.connections[0]!, '');
  await client.until(/before$/);
  client.send(GET);
  await client.until(/after$/);
});

test('a service that stays the same keeps its connections to upstreams', async (t) => {
  const upstream = await startUpstream(t, answering('kept'));
  const gatehouse = await GatehouseProcess.start(t, forwarding('a', { a: upstream.url }));
  assert.equal((await ask(gatehouse.port(), '/1')).body, 'kept');
  const routes = { ...forwarding('a', {}).routes, more: { match: { path: '/more' }, to: 'a' } };
  await gatehouse.reconfigure(forwarding('a', { a: upstream.url, b: 'http://127.0.0.1:1' }, { routes }));
  assert.equal((await ask(gatehouse.port(), '/more')).body, 'kept');
  assert.equal(upstream.connections.length, 1);
});

test('a service that changes ends its free connections at once and its busy ones after their exchange', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => {
    if (chunk.startsWith('GET /free')) answering('free')(connection, chunk);
    else if (chunk.startsWith('GET /again')) answering('again')(connection, chunk);
  });
  const gatehouse = await GatehouseProcess.start(t, forwarding('a', { a: upstream.url }));
  const client = await open(t, gatehouse);
  client.send('GET /busy HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.includes('\r\n\r\n') === true, 'the busy request is there');
  assert.equal((await ask(gatehouse.port(), '/free')).body, 'free');
  const [busy, free] = upstream.connections;
  const freeClosed = once(free!.socket, 'close');
  const busyClosed = once(busy!.socket, 'close');
  const services = { a: { endpoints: [upstream.url], timeouts: { connect: '9s' } } };
  await gatehouse.reconfigure(forwarding('a', {}, { services }));
  await freeClosed;
  assert.equal(busy!.socket.destroyed, false);
  answering('busy')(busy!, '');
  await client.until('busy');
  await busyClosed;
  assert.equal((await ask(gatehouse.port(), '/again')).body, 'again');
  assert.equal(upstream.connections.length, 3);
});

for (const threads of [0, 2]) {
  test(`a listener that is added is printed and answers, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, saying('one', { threads }));
    const port = gatehouse.port();
    const listeners = { web: { address: '127.0.0.1:0' }, more: { address: '127.0.0.1:0' } };
    await gatehouse.reconfigure(saying('two', { threads, listeners }));
    await gatehouse.untilListening('more');
    assert.equal((await ask(gatehouse.port('more'), '/')).body, 'two');
    assert.equal(gatehouse.stdout.match(/^listening web/gm)?.length, 1);
    assert.equal((await ask(port, '/')).body, 'two');
  });

  test(`a listener that is removed refuses, lets a running request end and closes idle connections, with ${threads} data threads`, async (t) => {
    const upstream = await startUpstream(t, (connection, chunk) => {
      if (chunk.startsWith('GET /quick')) answering('quick')(connection, chunk);
    });
    const listeners = { web: { address: '127.0.0.1:0' }, less: { address: `${ASIDE}:0` } };
    const both = forwarding('a', { a: upstream.url }, { listeners, threads });
    const gatehouse = await GatehouseProcess.start(t, both);
    const idle = await open(t, gatehouse, 'less', ASIDE);
    idle.send('GET /quick HTTP/1.1\r\nhost: x\r\n\r\n');
    await idle.until('quick');
    const busy = await open(t, gatehouse, 'less', ASIDE);
    busy.send(GET);
    await eventually(() => upstream.connections.some(({ received }) => received.includes('GET /a')), 'the request is there');
    await gatehouse.reconfigure({ ...both, listeners: { web: listeners.web } });
    await idle.untilEnd();
    answering('ended')(upstream.connections.find(({ received }) => received.includes('GET /a'))!, '');
    assert.match(await busy.untilEnd(), /connection: close[\s\S]*ended$/);
    const [error] = await once(connect(gatehouse.port('less'), ASIDE), 'error');
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    assert.equal((await ask(gatehouse.port('web'), '/quick')).body, 'quick');
  });

  test(`a listener moves to another port, with ${threads} data threads`, async (t) => {
    const aside = (port: number) => ({ threads, listeners: { web: { address: `${ASIDE}:${port}` } } });
    const first = await GatehouseProcess.start(t, saying('one', aside(0)));
    const free = await GatehouseProcess.start(t, saying('free', aside(0)));
    const target = free.port();
    free.signal('SIGKILL');
    await free.ended;
    const left = first.port();
    await first.reconfigure(saying('two', aside(target)));
    await first.until(() => first.port() === target, 'the new port');
    assert.equal((await ask(target, '/', { host: ASIDE })).body, 'two');
    await assert.rejects(ask(left, '/', { host: ASIDE }), { code: 'ECONNREFUSED' });
  });

  test(`listeners change their names, swap their addresses and widen them without closing a connection, with ${threads} data threads`, async (t) => {
    const byListener = {
      one: { match: { path: '/*', listener: 'one' }, to: { respond: { text: 'by one' } } },
      two: { match: { path: '/*', listener: 'two' }, to: { respond: { text: 'by two' } } },
    };
    const start = { one: { address: '127.0.0.1:0' }, two: { address: '127.0.0.1:0' } };
    const gatehouse = await GatehouseProcess.launch(t, saying('', { threads, listeners: start, routes: byListener }));
    await gatehouse.untilListening('two');
    const [a, b] = [gatehouse.port('one'), gatehouse.port('two')];
    const fixed = { one: { address: `127.0.0.1:${a}` }, two: { address: `127.0.0.1:${b}` } };
    await gatehouse.reconfigure(saying('', { threads, listeners: fixed, routes: byListener }));
    const client = await RawClient.open(a);
    t.after(() => client.close());
    client.send(GET);
    await client.until('by one');
    await gatehouse.reconfigure(saying('', { threads, listeners: { one: fixed.two, two: fixed.one }, routes: byListener }));
    assert.equal((await ask(a, '/')).body, 'by two');
    assert.equal((await ask(b, '/')).body, 'by one');
    client.take();
    client.send(GET);
    await client.until(/by (?:one|two)$/);
    const wide = { one: fixed.two, two: { address: `0.0.0.0:${a}` } };
    await gatehouse.reconfigure(saying('', { threads, listeners: wide, routes: byListener }));
    assert.equal((await ask(a, '/')).body, 'by two');
  });
}

test('the limits and trusted proxies of a listener change where it is', async (t) => {
  const upstream = await startUpstream(t, answering('ok'));
  const withListener = (listener: object) =>
    forwarding('a', { a: upstream.url }, { listeners: { web: { address: '127.0.0.1:0', ...listener } } });
  const gatehouse = await GatehouseProcess.start(t, withListener({}));
  const early = await open(t, gatehouse);
  early.send(GET);
  await early.until('ok');
  const headers = { 'x-forwarded-for': '192.0.2.7', 'x-long': 'x'.repeat(3000) };
  assert.equal((await ask(gatehouse.port(), '/', { headers })).status, 200);
  assert.doesNotMatch(upstream.connections[0]!.received, /192\.0\.2\.7/);
  await gatehouse.reconfigure(withListener({ trustedProxies: ['127.0.0.1'] }));
  assert.equal((await ask(gatehouse.port(), '/', { headers })).status, 200);
  assert.match(upstream.connections[0]!.received, /x-forwarded-for: 192\.0\.2\.7/i);
  await gatehouse.reconfigure(withListener({ limits: { headBytes: '2KiB' } }));
  assert.equal((await ask(gatehouse.port(), '/', { headers })).status, 431);
  await gatehouse.reconfigure(withListener({ maxConnections: 1 }));
  const [error] = await once(connect(gatehouse.port(), '127.0.0.1'), 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  early.take();
  early.send(GET);
  await early.until('ok');
});

test('a listener begins to serve TLS and ends it again where it is', async (t) => {
  const tls = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  const client = await open(t, gatehouse);
  client.send(GET);
  await client.until('one');
  await gatehouse.reconfigure(saying('two', { listeners: { web: { address: '127.0.0.1:0', tls } } }));
  await gatehouse.until(() => /^listening web https:/m.test(gatehouse.stdout), 'the new scheme');
  assert.match((await ask(gatehouse.port(), '/')).body, /GH_TLS_PLAIN_HTTP/);
  client.take();
  client.send(GET);
  await client.until('two');
  await gatehouse.reconfigure(saying('three'));
  assert.equal((await ask(gatehouse.port(), '/')).body, 'three');
});

test('data threads become more and fewer, and a running request ends on a thread that goes', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => {
    if (chunk.startsWith('GET /quick')) answering('quick')(connection, chunk);
  });
  const withThreads = (threads: number) => forwarding('a', { a: upstream.url }, { threads });
  const gatehouse = await GatehouseProcess.start(t, withThreads(1));
  await gatehouse.reconfigure(withThreads(4));
  const clients = await Promise.all(Array.from({ length: 16 }, () => open(t, gatehouse)));
  for (const client of clients) client.send(GET);
  await eventually(
    () => upstream.connections.filter(({ received }) => received.includes('GET /a')).length === 16,
    'all requests are there',
  );
  await gatehouse.reconfigure(withThreads(1));
  for (const connection of upstream.connections) if (connection.received.includes('GET /a')) answering('done')(connection, '');
  await Promise.all(clients.map((client) => client.until('done')));
  for (let i = 0; i < 8; i++) assert.equal((await ask(gatehouse.port(), '/quick')).body, 'quick');
  assert.deepEqual(
    gatehouse.events.filter(({ level }) => level !== 'info'),
    [],
  );
});

test('the admin side moves, ends and comes back', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one', { admin: { address: `${ASIDE}:0` } }));
  const first = await gatehouse.untilListening('admin');
  assert.equal((await ask(first, '/healthz', { host: ASIDE })).status, 200);
  await gatehouse.reconfigure(saying('two'));
  await assert.rejects(ask(first, '/healthz', { host: ASIDE }), { code: 'ECONNREFUSED' });
  await gatehouse.reconfigure(saying('three', { admin: { address: `${ASIDE}:${first}` } }));
  assert.equal((await ask(first, '/readyz', { host: ASIDE })).status, 200);
});
