/** More endpoints than the gateway can hold: what was good stays, what is new is refused with the reason, and nothing else is touched. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfigurationText } from '#config/load.ts';
import { formatAddress } from '#net/address.ts';
import { Control } from '#runtime/control.ts';
import { ThreadPool } from '#runtime/thread-pool.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

/** Two services, and ten endpoints of both together. */
const CAPACITY = 12;

async function startUpstream(t: TestContext) {
  const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  t.after(() => upstream.close());
  return upstream;
}

function many(count: number, name = 'h'): string[] {
  return Array.from({ length: count }, (_, i) => `http://${name}${i}.test:1`);
}

async function startWithFile(t: TestContext, endpoints: readonly string[], threads: number) {
  const upstream = await startUpstream(t);
  const file = join(await makeFolder(t), 'endpoints.yaml');
  const write = async (urls: readonly string[]) => {
    await writeFile(`${file}~`, JSON.stringify(urls));
    await rename(`${file}~`, file);
  };
  await write(endpoints);
  const toInput = (more: readonly string[] = []): Partial<GatewayInput> => ({
    services: { found: { discover: { file } }, other: { endpoints: [upstream.url, ...more] } },
    routes: { all: { match: { path: '/*' }, to: 'other' } },
  });
  const gateway = await startTestGateway(toInput(), { threads, board: EndpointBoard.withCapacity(CAPACITY) });
  t.after(() => gateway.stop());
  // A start waits for sources only for a while.
  const isRead = () => endpointsOf(gateway, 'found').length === endpoints.length || gateway.events.some(isAboutRoom);
  await eventually(isRead, 'the file is read');
  return { upstream, gateway, write, toInput };
}

function endpointsOf(gateway: TestGateway, service: string): string[] {
  const found = gateway.control.describeHealth().find((health) => health.service === service);
  return found!.endpoints.map(({ endpoint }) => endpoint);
}

async function untilLogged(gateway: TestGateway, message: string, count = 1): Promise<void> {
  await eventually(() => gateway.events.filter((event) => event.message === message).length === count, message);
}

const NO_ROOM = 'no room for endpoints that were found';
const isAboutRoom = ({ message }: { readonly message: string }) => message === NO_ROOM;

for (const threads of [0, 1]) {
  test(`found endpoints that do not fit leave those before in use, and all else alone, with ${threads} threads`, async (t) => {
    const { gateway, write, toInput, upstream } = await startWithFile(t, many(3), threads);
    await write(many(10));
    await untilLogged(gateway, NO_ROOM);
    const { level, fields } = gateway.events.find(({ message }) => message === NO_ROOM)!;
    assert.deepEqual([level, fields], ['error', { service: 'found', found: 10, used: 3, free: 6, capacity: CAPACITY }]);
    assert.deepEqual(endpointsOf(gateway, 'found'), many(3));
    assert.equal((await ask(gateway.port(), '/')).status, 200);
    // A reload has the same reason to leave them out, and none to be refused.
    assert.deepEqual(await gateway.reconfigure(toInput(['http://more.test:1'])), []);
    assert.deepEqual(endpointsOf(gateway, 'found'), many(3));
    assert.deepEqual(endpointsOf(gateway, 'other'), [upstream.url, 'http://more.test:1']);
    await untilLogged(gateway, NO_ROOM);
  });
}

test('found endpoints that did not fit are used as soon as there is room', async (t) => {
  const { gateway, write, toInput } = await startWithFile(t, many(3), 0);
  assert.deepEqual(await gateway.reconfigure(toInput(many(5, 'o'))), []);
  await write(many(5));
  await untilLogged(gateway, NO_ROOM);
  assert.deepEqual(await gateway.reconfigure(toInput()), []);
  assert.deepEqual(endpointsOf(gateway, 'found'), many(5));
  await untilLogged(gateway, 'endpoints found');
  // It is told again when it happens again.
  await write(many(11));
  await untilLogged(gateway, NO_ROOM, 2);
});

test('found endpoints do not keep those of the configuration out', async (t) => {
  const { gateway, toInput } = await startWithFile(t, many(10), 0);
  await untilLogged(gateway, NO_ROOM);
  assert.deepEqual(endpointsOf(gateway, 'found'), []);
  assert.deepEqual(await gateway.reconfigure(toInput(many(8, 'o'))), []);
  assert.equal(endpointsOf(gateway, 'other').length, 9);
});

test('a configuration whose endpoints do not fit is refused with their place, and the running one goes on', async (t) => {
  const upstream = await startUpstream(t);
  const toText = (endpoints: readonly string[]) =>
    `version: 1\naccessLog: false\nlisteners: { web: { address: "127.0.0.1:0" } }\nservices:\n  small: { endpoints: [${upstream.url}] }\n  large:\n    endpoints: ${JSON.stringify(endpoints)}\nroutes: { all: { match: { path: /* }, to: small } }\n`;
  let text = toText(many(2));
  const board = EndpointBoard.withCapacity(CAPACITY);
  const control = new Control({
    clock: systemClock,
    logger: silentLogger,
    load: () => loadConfigurationText(text, '/etc/gatehouse.yaml', { policies: [], env: {}, shownAs: 'F' }),
    threads: 0,
    pool: new ThreadPool({ clock: systemClock, logger: silentLogger, board }),
    watches: false,
  });
  t.after(() => control.stop());
  const started = await control.start();
  assert.ok('listening' in started);
  const port = Number(formatAddress(started.listening[0]!.address).split(':')[1]);
  const before = control.describeHealth();
  for (let round = 0; round < 3; round++) {
    text = toText(many(12));
    const refusal = await control.reload();
    assert.deepEqual(refusal?.reasons, []);
    assert.deepEqual(
      refusal?.issues.map((issue) => formatIssue(issue)),
      [
        'F:7:16 services.large.endpoints: no room for the 12 endpoints of the service `large`: 10 of them are new, 7 fit in, and the gateway holds 12 services and endpoints together',
      ],
    );
    assert.deepEqual(control.describeHealth(), before);
    assert.equal((await ask(port, '/')).status, 200);
  }
  text = toText(many(9));
  assert.equal(await control.reload(), undefined);
  assert.equal(control.describeHealth()[1]!.endpoints.length, 9);
});

test('an endpoint of an operator that does not fit is refused with the reason', async (t) => {
  const admin = { address: '127.0.0.1:0' };
  const services = { it: { endpoints: many(3) } };
  const gateway = await startTestGateway({ admin, services }, { board: EndpointBoard.withCapacity(5) });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const headers = { 'content-type': 'application/json' };
  const add = (url: string) =>
    ask(port, '/api/services/it/endpoints', { method: 'POST', headers, body: JSON.stringify({ url }) });
  assert.equal((await add('http://fourth.test:1')).status, 201);
  const { status, body } = await add('http://fifth.test:1');
  const { code, detail } = JSON.parse(body);
  assert.deepEqual([status, code], [409, 'GH_ADMIN_TOO_MANY_CHANGES']);
  assert.equal(
    detail,
    'There are as many changes, or endpoints, as the gateway can hold: no room for the 5 endpoints of the service `it`: 1 of them is new, 0 fit in, and the gateway holds 5 services and endpoints together',
  );
  assert.deepEqual(endpointsOf(gateway, 'it'), [...many(3), 'http://fourth.test:1']);
});
