/** Endpoints that are found while the gateway runs: how soon all data threads know them, and what becomes of those that leave. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { startFakeConsul } from '#test/support/fake-consul.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { startNameServer } from '#test/support/name-server.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const routes = { all: { match: { path: '/*' }, to: 'orders' } };
/** So many connections at a time hardly come to one thread alone. */
const CONNECTIONS = 12;
const PATIENCE_MS = 30_000;
const CHANGES_MIN = 5;
/** A machine that does much else needs longer for some. */
const CHANGES_MAX = 30;
/** From when the source shows a change until the last thread follows it. Nothing on the way waits for a clock. */
const KNOWN_WITHIN_MS = 200;

async function startNamed(t: TestContext, name: string): Promise<RawUpstream> {
  const upstream = await startRawUpstream((connection) =>
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`),
  );
  t.after(() => upstream.close());
  return upstream;
}

async function startGateway(
  t: TestContext,
  service: ServiceInput,
  { threads = 2, ...input }: Partial<GatewayInput> = {},
): Promise<TestGateway> {
  const gateway = await startTestGateway({ services: { orders: service }, routes, ...input }, { threads });
  t.after(() => gateway.stop());
  return gateway;
}

async function askMany(gateway: TestGateway): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(gateway.port(), '/')));
  return answers.map(({ body }) => body);
}

/** Asks until every connection leads there. */
async function untilAllAt(gateway: TestGateway, name: string): Promise<void> {
  const givesUpMs = performance.now() + PATIENCE_MS;
  while (performance.now() < givesUpMs) if ((await askMany(gateway)).every((body) => body === name)) return;
  assert.fail(`not all threads know ${name}`);
}

interface TestedSource {
  readonly discover: NonNullable<ServiceInput['discover']>;
  readonly dns?: GatewayInput['dns'];
  /** Resolves when the source shows the endpoint with this port, and no other. */
  show(port: number): Promise<void>;
}

const sources: Readonly<Record<string, (t: TestContext) => Promise<TestedSource>>> = {
  async dns(t) {
    const server = await startNameServer({});
    t.after(() => server.close());
    const name = '_http._tcp.orders.test';
    return {
      discover: { dns: { name, type: 'SRV', every: '100ms' } },
      dns: { servers: [server.address] },
      async show(port) {
        const asked = server.queries.length;
        server.records.set(name, { services: [{ priority: 1, weight: 1, port, host: 'localhost' }], ttlSeconds: 1 });
        await eventually(() => server.queries.length > asked, 'the name is asked for');
      },
    };
  },
  async file(t) {
    const file = join(await makeFolder(t), 'endpoints.yaml');
    return {
      discover: { file },
      async show(port) {
        await writeFile(`${file}~`, `[http://127.0.0.1:${port}]`);
        await rename(`${file}~`, file);
      },
    };
  },
  async consul(t) {
    const consul = await startFakeConsul(t, 'orders');
    return {
      discover: { consul: { address: consul.url, service: 'orders' } },
      async show(port) {
        consul.set([{ address: '127.0.0.1', port }]);
      },
    };
  },
};

for (const [kind, create] of Object.entries(sources)) {
  test(`what ${kind} shows is known to all threads in a moment`, async (t) => {
    const one = await startNamed(t, 'one');
    const two = await startNamed(t, 'two');
    const source = await create(t);
    await source.show(one.port).catch(() => {
      // Nobody asks yet.
    });
    const gateway = await startGateway(t, { discover: source.discover }, source.dns === undefined ? {} : { dns: source.dns });
    await untilAllAt(gateway, 'one');
    const tookMs: number[] = [];
    for (let change = 1; change <= CHANGES_MAX && !(Math.min(...tookMs) <= KNOWN_WITHIN_MS && change > CHANGES_MIN); change++) {
      const isEven = change % 2 === 0;
      await source.show(isEven ? one.port : two.port);
      const shownMs = performance.now();
      await untilAllAt(gateway, isEven ? 'one' : 'two');
      tookMs.push(Math.round(performance.now() - shownMs));
    }
    t.diagnostic(`${tookMs.join(', ')} ms`);
    assert.ok(Math.min(...tookMs) <= KNOWN_WITHIN_MS, `the changes took ${tookMs} ms`);
  });
}

async function startWithFile(t: TestContext, endpoints: string, service: ServiceInput = {}, input: Partial<GatewayInput> = {}) {
  const file = join(await makeFolder(t), 'endpoints.yaml');
  const write = async (text: string) => {
    await writeFile(`${file}~`, text);
    await rename(`${file}~`, file);
  };
  await write(endpoints);
  const gateway = await startGateway(t, { ...service, discover: { file } }, input);
  return { gateway, write, file };
}

for (const threads of [0, 2]) {
  test(`a download and a WebSocket end in their own time at an endpoint that has left, with ${threads} threads`, async (t) => {
    const leaving = await startRawUpstream((connection, chunk) => {
      if (connection.received.startsWith('GET /download')) connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst');
      else if (chunk.startsWith('GET /socket'))
        connection.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      else connection.send(`echo ${chunk}`);
    });
    t.after(() => leaving.close());
    const two = await startNamed(t, 'two');
    const { gateway, write } = await startWithFile(t, `[${leaving.url}]`, {}, { threads });
    const download = await RawClient.open(gateway.port());
    const socket = await RawClient.open(gateway.port());
    t.after(() => [download, socket].forEach((client) => void client.close()));
    download.send('GET /download HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.send('GET /socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await download.until('first');
    await socket.until('101');
    await write(`[${two.url}]`);
    await untilAllAt(gateway, 'two');
    socket.send('ping');
    await socket.until('echo ping');
    const [ofDownload, ofSocket] = ['/download', '/socket'].map(
      (path) => leaving.connections.find(({ received }) => received.startsWith(`GET ${path}`))!,
    );
    assert.equal(ofDownload!.socket.readableEnded, false);
    ofDownload!.send('later');
    await download.until('firstlater');
    await eventually(() => ofDownload!.socket.readableEnded, 'the connection of the download is closed');
    assert.equal(ofSocket!.socket.readableEnded, false);
    socket.close();
    await eventually(() => ofSocket!.socket.readableEnded, 'the connection of the WebSocket is closed');
  });
}

test('endpoints that are found come on top of those of the configuration', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const { gateway, write } = await startWithFile(t, '[]', { endpoints: [one.url] });
  await untilAllAt(gateway, 'one');
  await write(`[${two.url}]`);
  await eventually(() => gateway.events.some(({ message }) => message === 'endpoints found'), 'it is found');
  const seen = new Set<string>();
  const givesUpMs = performance.now() + PATIENCE_MS;
  while (seen.size < 2 && performance.now() < givesUpMs) for (const body of await askMany(gateway)) seen.add(body);
  assert.deepEqual([...seen].sort(), ['one', 'two']);
});

test('a service for which nothing has been found answers 503, until something is', async (t) => {
  const one = await startNamed(t, 'one');
  const { gateway, write } = await startWithFile(t, '[]');
  const { status, body } = await ask(gateway.port(), '/');
  assert.deepEqual([status, JSON.parse(body).code], [503, 'GH_SERVICE_NO_ENDPOINT']);
  await write(`[${one.url}]`);
  await untilAllAt(gateway, 'one');
});

test('endpoints of the kind that a service cannot use change nothing and are reported', async (t) => {
  const one = await startNamed(t, 'one');
  const { gateway, write } = await startWithFile(t, `[${one.url}]`);
  await write(`[tcp://127.0.0.1:${one.port}]`);
  await eventually(() => gateway.events.some(({ message }) => message === 'endpoints refused'), 'it is reported');
  await untilAllAt(gateway, 'one');
});

test('a start waits for the first answers, though not for ever', async (t) => {
  const one = await startNamed(t, 'one');
  const consul = await startFakeConsul(t, 'orders');
  consul.fault = 'hang';
  const gateway = await startGateway(t, {
    endpoints: [one.url],
    discover: { consul: { address: consul.url, service: 'orders' } },
  });
  await eventually(() => consul.questions.length > 0, 'it is asked');
  await untilAllAt(gateway, 'one');
});

test('a reload keeps what has been found where the source is the same, and asks another one before it changes', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const consul = await startFakeConsul(t, 'orders');
  consul.set([{ address: '127.0.0.1', port: one.port }]);
  const other = await startFakeConsul(t, 'orders');
  other.set([{ address: '127.0.0.1', port: two.port }]);
  const from = (address: string, token: string) => ({ discover: { consul: { address, service: 'orders', token } } });
  const gateway = await startGateway(t, from(consul.url, 'a'));
  await untilAllAt(gateway, 'one');
  await eventually(() => consul.heldCount === 1, 'a question is held back');
  const services = { orders: { ...from(consul.url, 'a'), timeouts: { connect: '3s' } } };
  assert.deepEqual(await gateway.reconfigure({ routes, services }), []);
  assert.deepEqual(new Set(await askMany(gateway)), new Set(['one']));
  assert.equal(consul.questions.length, 2);
  assert.deepEqual(await gateway.reconfigure({ routes, services: { orders: from(consul.url, 'b') } }), []);
  // A reload waits for answers, though not for ever.
  await eventually(() => consul.tokens.length > 2, 'it is asked with the other token');
  assert.deepEqual(consul.tokens.slice(2, 3), ['b']);
  assert.deepEqual(await gateway.reconfigure({ routes, services: { orders: from(other.url, 'b') } }), []);
  await untilAllAt(gateway, 'two');
  await eventually(() => consul.heldCount === 0, 'the one before is asked no more');
  assert.deepEqual(await gateway.reconfigure({ routes, services: { orders: { endpoints: [one.url] } } }), []);
  assert.deepEqual(new Set(await askMany(gateway)), new Set(['one']));
  await eventually(() => other.heldCount === 0, 'nobody is asked any more');
});

test('what has been found stays when the same is asked for in another way by a Consul that is away', async (t) => {
  const one = await startNamed(t, 'one');
  const consul = await startFakeConsul(t, 'orders');
  consul.set([{ address: '127.0.0.1', port: one.port }]);
  const from = (token: string, service: string) => ({
    orders: { discover: { consul: { address: consul.url, service, token } } },
  });
  const gateway = await startGateway(t, from('a', 'orders').orders);
  await untilAllAt(gateway, 'one');
  await consul.stop();
  assert.deepEqual(await gateway.reconfigure({ routes, services: from('b', 'orders') }), []);
  assert.deepEqual(new Set(await askMany(gateway)), new Set(['one']));
  assert.deepEqual(await gateway.reconfigure({ routes, services: from('c', 'orders') }), []);
  assert.deepEqual(new Set(await askMany(gateway)), new Set(['one']));
  assert.deepEqual(await gateway.reconfigure({ routes, services: from('c', 'others') }), []);
  assert.equal((await ask(gateway.port(), '/')).status, 503);
});

test('a start does not wait for a source that fails', async (t) => {
  const one = await startNamed(t, 'one');
  const consul = await startFakeConsul(t, 'orders');
  await consul.stop();
  const file = join(await makeFolder(t), 'missing.yaml');
  const services = {
    orders: { endpoints: [one.url], discover: { consul: { address: consul.url, service: 'orders' } } },
    stock: { discover: { file } },
  };
  const gateway = await startTestGateway({ services, routes });
  t.after(() => gateway.stop());
  await eventually(() => gateway.events.length >= 2, 'both are reported');
  assert.deepEqual(gateway.events.map(({ message }) => message).sort(), ['endpoints cannot be found', 'endpoints refused']);
  await untilAllAt(gateway, 'one');
});

test('too many endpoints are cut, and that is told', async (t) => {
  const { gateway } = await startWithFile(t, JSON.stringify(Array.from({ length: 1_001 }, (_, i) => `http://h${i}:1`)));
  await eventually(() => gateway.events.length > 0, 'it is reported');
  assert.deepEqual(gateway.events, [
    {
      level: 'warn',
      message: 'too many endpoints were found',
      fields: { service: 'orders', found: 1_001, used: 1_000 },
    },
  ]);
});

test('SRV records of a higher number take over when those of a lower one fail, and stand back for others', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const server = await startNameServer({});
  t.after(() => server.close());
  const name = '_http._tcp.orders.test';
  const toRecord = (priority: number, { port }: RawUpstream) => ({ priority, weight: 0, port, host: 'localhost' });
  server.records.set(name, { services: [toRecord(30, two), toRecord(20, one)], ttlSeconds: 1 });
  const gateway = await startGateway(
    t,
    { discover: { dns: { name, type: 'SRV', every: '100ms' } } },
    { dns: { servers: [server.address] }, threads: 1 },
  );
  await untilAllAt(gateway, 'one');
  // It is ejected once it has failed often enough.
  await one.close();
  await untilAllAt(gateway, 'two');
  const again = await startNamed(t, 'again');
  server.records.set(name, { services: [toRecord(30, two), toRecord(20, again)], ttlSeconds: 1 });
  await untilAllAt(gateway, 'again');
  // Whoever is the only one left needs no number.
  server.records.set(name, { services: [toRecord(30, two)], ttlSeconds: 1 });
  await untilAllAt(gateway, 'two');
});
