/** The gateway inside another program: started, stopped, reloaded, asked without sockets. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigurationRefused, createGateway, type Gateway, type GatewayInput, type GatewayOptions } from '#gatehouse';
import { ask } from '#test/support/ask.ts';
import { describeRequest, onEachWholeRequest } from '#test/support/client-bench.ts';
import { eventually } from '#test/support/eventually.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';

const listeners = { web: { address: '127.0.0.1:0' } };

/** No connection goes out from here by itself, so a port that was left stays free. */
const ASIDE = '127.0.1.10';
const aside = { listeners: { web: { address: `${ASIDE}:0` } } };

function saying(text: string, more: Partial<GatewayInput> = {}): GatewayInput {
  return {
    version: 1,
    listeners,
    accessLog: false,
    routes: { all: { match: { path: '/*' }, to: { respond: { text } } } },
    ...more,
  };
}

function create(t: TestContext, options: GatewayOptions): Gateway {
  const gateway = createGateway(options);
  t.after(() => gateway.stop());
  return gateway;
}

function portOf(addresses: Readonly<Record<string, string>>, listener = 'web'): number {
  return Number(new URL(addresses[listener]!).port);
}

async function forwarding(t: TestContext, onData = onEachWholeRequest(describeRequest)) {
  const upstream = await startRawUpstream(onData);
  t.after(() => upstream.close());
  const configuration = saying('', {
    services: { main: { endpoints: [upstream.url] } },
    routes: { main: { match: { path: '/*' }, to: 'main' } },
  });
  return { upstream, gateway: create(t, { configuration }) };
}

test('starts, answers and stops; then it can be started again', async (t) => {
  const gateway = create(t, { configuration: saying('here', aside) });
  const first = await gateway.start();
  assert.deepEqual(await gateway.start(), first, 'a second start changes nothing');
  assert.equal((await ask(portOf(first), '/', { host: ASIDE })).body, 'here');
  await gateway.stop();
  await assert.rejects(ask(portOf(first), '/', { host: ASIDE }), { code: 'ECONNREFUSED' });
  await gateway.stop();
  const second = await gateway.start();
  const answer = await ask(portOf(second), '/', { host: ASIDE, headers: { connection: 'keep-alive' } });
  assert.equal(answer.body, 'here');
  assert.notEqual(answer.headers.connection, 'close');
});

test('stops while it starts', async (t) => {
  const gateway = create(t, { configuration: saying('here', aside), threads: 2 });
  const started = gateway.start();
  await gateway.stop();
  const addresses = await started;
  for (const name of Object.keys(addresses))
    await assert.rejects(ask(portOf(addresses, name), '/', { host: ASIDE }), { code: 'ECONNREFUSED' });
});

test('serves with data threads', async (t) => {
  const gateway = create(t, { configuration: saying('here'), threads: 2 });
  assert.equal((await ask(portOf(await gateway.start()), '/')).body, 'here');
  await assert.rejects(gateway.inject({ url: '/' }), /only with `threads: 0`/);
});

test('names Unix sockets as the command line does', async (t) => {
  const folder = await makeFolder(t);
  const gateway = create(t, { configuration: saying('here', { listeners: { web: { address: `unix:${folder}/web.sock` } } }) });
  assert.deepEqual(await gateway.start(), { web: `unix:${folder}/web.sock` });
});

test('two gateways in one process do not know each other', async (t) => {
  const one = create(t, { configuration: saying('one') });
  const two = create(t, { configuration: saying('two') });
  const [first, second] = await Promise.all([one.start(), two.start()]);
  assert.equal((await ask(portOf(first), '/')).body, 'one');
  assert.equal((await ask(portOf(second), '/')).body, 'two');
  await one.stop();
  assert.equal((await ask(portOf(second), '/')).body, 'two');
});

test('rejects with every issue of a configuration that is wrong', async (t) => {
  const configuration = { ...saying('x'), listeners: { web: { adress: ':1' } } } as unknown as GatewayInput;
  const gateway = create(t, { configuration });
  await assert.rejects(gateway.start(), (error) => {
    assert.ok(error instanceof ConfigurationRefused);
    assert.deepEqual(
      error.issues.map(({ path, code }) => `${path.join('.')} ${code}`),
      ['listeners.web.address missing', 'listeners.web.adress unknown-key'],
    );
    assert.deepEqual(error.reasons, []);
    assert.match(error.message, /listeners\.web\.adress/);
    return true;
  });
  await assert.rejects(gateway.inject({}), ConfigurationRefused);
});

test('rejects with the reason when a port is taken, and starts when it is free', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, ASIDE, resolve));
  const { port } = server.address() as AddressInfo;
  const gateway = create(t, { configuration: saying('here', { listeners: { web: { address: `${ASIDE}:${port}` } } }) });
  await assert.rejects(gateway.start(), (error) => {
    assert.ok(error instanceof ConfigurationRefused);
    assert.match(error.reasons.join(), /^listener `web` cannot listen on 127\.0\.1\.10:\d+: another process/);
    return true;
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await gateway.start();
  assert.equal((await ask(port, '/', { host: ASIDE })).body, 'here');
});

test('reloads a file, and rejects without a change when it is wrong', async (t) => {
  const file = join(await makeFolder(t), 'gatehouse.yaml');
  const write = (configuration: unknown) => writeFile(file, JSON.stringify(configuration));
  await write(saying('one'));
  const gateway = create(t, { configuration: file });
  await gateway.reload();
  const port = portOf(await gateway.start());
  await write(saying('two'));
  await gateway.reload();
  assert.equal((await ask(port, '/')).body, 'two');
  assert.equal((await gateway.inject({})).text(), 'two');
  await write({ ...saying('three'), version: 2 });
  await assert.rejects(gateway.reload(), (error) => error instanceof ConfigurationRefused && error.issues.length === 1);
  assert.equal((await ask(port, '/')).body, 'two');
});

test('watches its file when it is asked to', async (t) => {
  const file = join(await makeFolder(t), 'gatehouse.yaml');
  await writeFile(file, JSON.stringify(saying('one')));
  const events: string[] = [];
  const gateway = create(t, { configuration: file, watches: true, logger: { log: (_, message) => void events.push(message) } });
  const port = portOf(await gateway.start());
  // Of another length: where the clock of a file system is coarse, both may be written within one of its ticks.
  await writeFile(file, JSON.stringify(saying('the other')));
  await eventually(() => events.includes('configuration applied'), 'the file is loaded again');
  assert.equal((await ask(port, '/')).body, 'the other');
});

test('injects without being started, and opens nothing for it', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const gateway = create(t, { configuration: saying('here', { listeners: { web: { address } } }) });
  const answers = await Promise.all([gateway.inject({}), gateway.inject({ url: '/a' }), gateway.inject({ url: '/b' })]);
  assert.deepEqual(
    answers.map((answer) => answer.text()),
    ['here', 'here', 'here'],
  );
  await gateway.reload();
  assert.equal((await gateway.inject({})).status, 200);
});

test('injects while it starts, and after', async (t) => {
  const gateway = create(t, { configuration: saying('here') });
  const started = gateway.start();
  assert.equal((await gateway.inject({})).text(), 'here');
  const port = portOf(await started);
  assert.equal((await ask(port, '/')).body, 'here');
  assert.equal((await gateway.inject({})).text(), 'here');
});

test('policies of a listener hold for injected requests, started or not', async (t) => {
  const policies = { headers: { response: { set: { 'x-via': 'web' } } } };
  const gateway = create(t, {
    configuration: saying('here', {
      listeners: { web: { address: '127.0.0.1:0', policies }, other: { address: '127.0.0.1:0' } },
    }),
  });
  assert.equal((await gateway.inject({})).headers['x-via'], 'web');
  assert.equal((await gateway.inject({ listener: 'other' })).headers['x-via'], undefined);
  await gateway.start();
  assert.equal((await gateway.inject({})).headers['x-via'], 'web');
});

test('injects GET, HEAD and a body, forwarded to a real upstream', async (t) => {
  const { gateway, upstream } = await forwarding(t);
  const got = await gateway.inject({ url: '/orders?id=5', headers: { 'X-Each': ['1', '2'], host: 'shop.example' } });
  assert.equal(got.status, 200);
  assert.equal(got.text(), 'GET /orders?id=5');
  assert.equal(got.route, 'main');
  assert.match(got.requestId, /^[0-9a-f]{32}$/);
  assert.match(upstream.connections[0]!.received, /\r\nx-each: 1\r\nx-each: 2\r\n/);
  assert.match(upstream.connections[0]!.received, /\r\nhost: shop\.example\r\n/);
  const posted = await gateway.inject({ method: 'POST', url: '/orders', body: 'five bytes' });
  assert.equal(posted.text(), 'POST /orders five bytes');
  const head = await gateway.inject({ method: 'HEAD', url: '/orders' });
  assert.equal(head.status, 200);
  assert.equal(head.body.length, 0);
});

test('an injected request sees trailers of the answer, JSON and repeated fields', async (t) => {
  const { gateway } = await forwarding(t, (connection) =>
    connection.send(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nb\r\n{"some": 1}\r\n0\r\nx-sum: 7\r\n\r\n',
    ),
  );
  const answer = await gateway.inject({ url: '/' });
  assert.deepEqual(answer.json(), { some: 1 });
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  assert.deepEqual(answer.trailers, { 'x-sum': '7' });
});

test('an injected request rejects when the answer breaks off, and answers 502 when none comes', async (t) => {
  const { gateway, upstream } = await forwarding(t, (connection) => {
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    connection.socket.end();
  });
  await assert.rejects(gateway.inject({ url: '/' }));
  await upstream.close();
  const answer = await gateway.inject({ url: '/' });
  assert.equal(answer.status, 502);
  assert.equal((answer.json() as { code: string }).code, 'GH_UPSTREAM_UNREACHABLE');
});

test('an injected request gets redirects, fixed answers and 404', async (t) => {
  const gateway = create(t, {
    configuration: saying('', {
      routes: {
        home: { match: { path: '/home' }, to: { redirect: { path: '/', status: 301 } } },
        hello: { match: { path: '/hello/:name' }, to: { respond: { status: 202, json: { hello: '${path.name}' } } } },
      },
    }),
  });
  const moved = await gateway.inject({ url: 'https://shop.example/home' });
  assert.equal(moved.status, 301);
  assert.match(String(moved.headers['location']), /\/$/);
  const hello = await gateway.inject({ url: '/hello/Ada' });
  assert.equal(hello.status, 202);
  assert.deepEqual(hello.json(), { hello: 'Ada' });
  const nowhere = await gateway.inject({ url: '/nowhere' });
  assert.equal(nowhere.status, 404);
  assert.equal(nowhere.route, undefined);
  assert.equal((nowhere.json() as { code: string }).code, 'GH_GATEWAY_NO_ROUTE');
});

test('an injected request that no client could send is answered with 400', async (t) => {
  const { gateway, upstream } = await forwarding(t);
  const wrong = [
    { url: 'nonsense' },
    { url: '//evil/' },
    { url: '/%zz' },
    { url: '/a b' },
    { url: '/a\r\nx: y' },
    { method: 'GE T' },
    { method: '' },
    { headers: { host: 'a b' } },
    { headers: { 'x-a': 'a\r\nx-b: c' } },
    { headers: { 'x a': 'b' } },
    { headers: { 'x-a\r\nx-b': 'c' } },
  ];
  for (const request of wrong) {
    const answer = await gateway.inject(request);
    assert.equal(answer.status, 400, JSON.stringify(request));
  }
  assert.equal(upstream.connections.length, 0);
});
