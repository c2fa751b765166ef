/** The access log as it is written: its lines, its file, and that nothing about it hurts traffic. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';

type Line = Readonly<Record<string, unknown>>;

const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } };

function parseLines(text: string): Line[] {
  assert.ok(text === '' || text.endsWith('\n'), 'ends with a whole line');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

async function readLines(file: string): Promise<Line[]> {
  return parseLines(await readFile(file, 'utf8').catch(() => ''));
}

/** What is read in the middle of a write may end within a line: a page of the file becomes readable before the next. */
async function untilTargets(file: string, targets: readonly string[]): Promise<Line[]> {
  let lines: Line[] = [];
  while (!targets.every((target) => lines.some((line) => line['target'] === target))) {
    const text = await readFile(file, 'utf8').catch(() => '');
    lines = parseLines(text.slice(0, text.lastIndexOf('\n') + 1));
  }
  return lines;
}

function logging(file: string, more: Partial<GatewayInput> = {}): Partial<GatewayInput> {
  return { accessLog: { to: { file }, flushEvery: '10ms' }, routes, ...more };
}

async function start(t: TestContext, more: Partial<GatewayInput> = {}) {
  const folder = await makeFolder(t);
  const gatehouse = await GatehouseProcess.launch(t, logging('./logs/access.log', more), { folder });
  await gatehouse.untilListening('web');
  return { gatehouse, file: join(folder, 'logs/access.log') };
}

test('a line tells who asked for what, what came of it and how long it took', async (t) => {
  const upstream = await startRawUpstream((connection) =>
    connection.send('HTTP/1.1 201 Created\r\ncontent-length: 7\r\n\r\ncreated'),
  );
  t.after(() => upstream.close());
  const { gatehouse, file } = await start(t, {
    services: { orders: { endpoints: [upstream.url] } },
    routes: { orders: { match: { path: '/orders/*' }, to: 'orders' } },
  });
  const answer = await ask(gatehouse.port(), '/orders/5?x=1', {
    method: 'POST',
    body: 'body!',
    headers: { host: 'Shop.example:80' },
  });
  const [line] = await untilTargets(file, ['/orders/5?x=1']);
  const { time, durationMs, upstreamMs, ...rest } = line!;
  assert.deepEqual(rest, {
    id: answer.headers['x-request-id'],
    client: '127.0.0.1',
    listener: 'web',
    protocol: 'HTTP/1.1',
    method: 'POST',
    host: 'shop.example',
    target: '/orders/5?x=1',
    status: 201,
    requestBytes: 5,
    responseBytes: 7,
    route: 'orders',
    service: 'orders',
    endpoint: upstream.url,
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.ok(
    Number(durationMs) >= Number(upstreamMs) && Number(upstreamMs) > 0 && Number(durationMs) < 5_000,
    JSON.stringify(line),
  );
});

test('a line about an error has its code', async (t) => {
  const { gatehouse, file } = await start(t, {
    services: { gone: { endpoints: ['http://127.0.0.1:1'] } },
    routes: { gone: { match: { path: '/gone' }, to: 'gone' } },
  });
  assert.equal((await ask(gatehouse.port(), '/gone')).status, 502);
  assert.equal((await ask(gatehouse.port(), '/nowhere')).status, 404);
  const client = await RawClient.open(gatehouse.port());
  client.send('GET /bad path HTTP/1.1\r\n\r\n');
  await client.untilEnd();
  client.close();
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
  const lines = await readLines(file);
  assert.deepEqual(
    lines.map(({ status, code, route }) => ({ status, code, route })),
    [
      { status: 502, code: 'GH_UPSTREAM_UNREACHABLE', route: 'gone' },
      { status: 404, code: 'GH_GATEWAY_NO_ROUTE', route: undefined },
      { status: 400, code: 'GH_CLIENT_MALFORMED_REQUEST', route: undefined },
    ],
  );
});

test('whatever a client puts into a request, its line is JSON', async (t) => {
  const { gatehouse, file } = await start(t);
  const targets = ['/a"b', '/x?q=a\\b', "/'<>{}|^`", '/\u007f', '/caf\u00e9', '/%22%0a', '/a","status":1,"x":"'];
  for (const target of targets) {
    const each = await RawClient.open(gatehouse.port());
    each.send(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    await each.untilEnd();
    each.close();
  }
  const odd = await RawClient.open(gatehouse.port());
  odd.send('"\\ / HTTP/1.1\r\nhost: "\\\r\n\r\n');
  await odd.untilEnd();
  odd.close();
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
  const lines = await readLines(file);
  assert.equal(lines.length, targets.length + 1);
  for (const line of lines) assert.ok([200, 400].includes(Number(line['status'])), JSON.stringify(line));
  assert.ok(lines.some(({ target }) => target === '/a"b'));
});

test('lines that were collected are written before the gateway ends', async (t) => {
  for (const threads of [0, 2]) {
    const { gatehouse, file } = await start(t, { threads, accessLog: { to: { file: './logs/access.log' }, flushEvery: '1m' } });
    for (let i = 0; i < 20; i++) await ask(gatehouse.port(), `/${i}`);
    assert.equal((await readLines(file)).length, 0);
    gatehouse.signal('SIGTERM');
    await gatehouse.ended;
    assert.equal((await readLines(file)).length, 20);
  }
});

for (const threads of [0, 2]) {
  test(`SIGHUP opens the file anew after a rotation, with ${threads} data threads`, async (t) => {
    const { gatehouse, file } = await start(t, { threads });
    await ask(gatehouse.port(), '/before');
    await untilTargets(file, ['/before']);
    await rename(file, `${file}.1`);
    await ask(gatehouse.port(), '/moved');
    await untilTargets(`${file}.1`, ['/moved']);
    gatehouse.signal('SIGHUP');
    await gatehouse.nextEvent('configuration applied');
    // Each thread opens its file when it hears of it; lines that come meanwhile may go either way.
    for (let i = 0; i < 20; i++) await ask(gatehouse.port(), `/after-${i}`);
    gatehouse.signal('SIGTERM');
    await gatehouse.ended;
    const old = (await readLines(`${file}.1`)).map(({ target }) => target);
    const present = (await readLines(file)).map(({ target }) => target);
    assert.deepEqual(old.slice(0, 2), ['/before', '/moved']);
    assert.equal(old.length + present.length, 22);
    assert.ok(present.includes('/after-19'));
  });
}

test('SIGHUP with the log on the standard output changes nothing', async (t) => {
  for (const threads of [0, 1]) {
    const gatehouse = await GatehouseProcess.start(t, { threads, routes, accessLog: { to: 'stdout', flushEvery: '10ms' } });
    gatehouse.signal('SIGHUP');
    await gatehouse.nextEvent('configuration applied');
    await ask(gatehouse.port(), '/after');
    await gatehouse.until(() => gatehouse.stdout.includes('"target":"/after"'), 'the line');
    gatehouse.signal('SIGTERM');
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
    assert.equal(gatehouse.events.length, 1);
  }
});

for (const threads of [0, 1]) {
  test(`a file that cannot be opened is reported once, and traffic goes on, with ${threads} data threads`, async (t) => {
    const folder = await makeFolder(t);
    await writeFile(join(folder, 'logs'), 'a file where the folder should be');
    const gatehouse = await GatehouseProcess.launch(t, logging('./logs/access.log', { threads }), { folder });
    await gatehouse.untilListening('web');
    for (let i = 0; i < 20; i++) assert.equal((await ask(gatehouse.port(), `/${i}`)).status, 200);
    const event = await gatehouse.nextEvent('access log cannot be written');
    assert.match(JSON.stringify(event['error']), /ENOTDIR/);
    gatehouse.signal('SIGHUP');
    await gatehouse.nextEvent('configuration applied');
    assert.equal((await ask(gatehouse.port(), '/last')).status, 200);
    await rename(join(folder, 'logs'), join(folder, 'moved'));
    // The gateway tries again all the time, and may have made the folder itself by now.
    await mkdir(join(folder, 'logs'), { recursive: true });
    await untilTargets(join(folder, 'logs/access.log'), ['/0', '/19', '/last']);
    gatehouse.signal('SIGTERM');
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
    assert.equal(gatehouse.events.filter(({ message }) => message === 'access log cannot be written').length, 1);
  });

  test(`a full disk is reported once, does not hurt traffic, and at the end it is told what is lost, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, logging('/dev/full', { threads }));
    for (let i = 0; i < 20; i++) assert.equal((await ask(gatehouse.port(), `/${i}`)).status, 200);
    const event = await gatehouse.nextEvent('access log cannot be written');
    assert.match(JSON.stringify(event['error']), /ENOSPC/);
    for (let i = 0; i < 20; i++) assert.equal((await ask(gatehouse.port(), `/${i}`)).status, 200);
    gatehouse.signal('SIGTERM');
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
    assert.deepEqual(
      gatehouse.events.map(({ message, lines }) => [message, lines]),
      [
        ['access log cannot be written', undefined],
        ['access log lines dropped', 40],
      ],
    );
  });
}

test('lines of several threads do not mix on the standard output, however slow its reader', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, { threads: 2, routes, accessLog: { to: 'stdout', flushEvery: '50ms' } });
  const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(gatehouse.port())));
  t.after(() => clients.forEach((client) => void client.close()));
  gatehouse.child.stdout!.pause();
  const each = 400;
  const long = 'x'.repeat(700);
  for (const client of clients) client.send(`GET /${long} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(each));
  await eventually(
    () => clients.every(({ received }) => received.split('HTTP/1.1 200').length - 1 === each),
    'all answers are there although nobody reads the log',
  );
  for (const client of clients) client.close();
  gatehouse.child.stdout!.resume();
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  const lines = gatehouse.stdout.split('\n').filter((line) => !line.startsWith('listening') && line !== '');
  assert.equal(lines.filter((line) => JSON.parse(line)['status'] === 200).length, clients.length * each);
});

test('a reload moves the log to another file, and ends it', async (t) => {
  const { gatehouse, file } = await start(t);
  await ask(gatehouse.port(), '/first');
  await gatehouse.reconfigure(logging('./logs/other.log'));
  await ask(gatehouse.port(), '/second');
  await gatehouse.reconfigure({ routes, accessLog: false });
  await ask(gatehouse.port(), '/third');
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
  const targets = (lines: Line[]) => lines.map(({ target }) => target);
  assert.deepEqual(targets(await readLines(file)), ['/first']);
  assert.deepEqual(targets(await readLines(join(file, '../other.log'))), ['/second']);
});

test('a file that is put aside under load loses no line, whoever writes', async (t) => {
  const rotate = { size: '8KiB', keep: 100 };
  const { gatehouse, file } = await start(t, {
    threads: 2,
    accessLog: { to: { file: './logs/access.log', rotate }, flushEvery: '10ms' },
  });
  const folder = join(file, '..');
  let asked = 0;
  const isEnough = async () => (await readdir(folder)).length > 3;
  while (!(await isEnough())) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => ask(gatehouse.port(), `/${asked + i}`)));
    asked += 10;
  }
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  const names = await readdir(folder);
  const lines = (await Promise.all(names.map((name) => readLines(join(folder, name))))).flat();
  assert.deepEqual(
    lines.map(({ target }) => Number(String(target).slice(1))).sort((one, other) => one - other),
    Array.from({ length: asked }, (_, i) => i),
  );
  assert.ok(names.filter((name) => /^access\.log\.\d{8}T\d{6}Z(-\d+)?$/.test(name)).length > 2, names.join());
});

test('fields that policies look for credentials in are not shown, from the configuration on that says so', async (t) => {
  const routes = (header: string) => ({
    open: { match: { path: '/open' }, to: { respond: { text: 'open' } } },
    kept: { match: { path: '/kept' }, policies: { 'api-key': { header } }, to: { respond: { text: 'kept' } } },
  });
  const accessLog = { to: { file: './logs/access.log' }, fields: ['request.header.x-door', 'request.header.x-gate'] };
  const { gatehouse, file } = await start(t, { routes: routes('x-door'), accessLog });
  const headers = { 'x-door': 'one', 'x-gate': 'two' };
  await ask(gatehouse.port(), '/open', { headers });
  await gatehouse.reconfigure({ routes: routes('x-gate'), accessLog });
  await ask(gatehouse.port(), '/open', { headers });
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
  assert.deepEqual(await readLines(file), [
    { 'request.header.x-door': '[redacted]', 'request.header.x-gate': 'two' },
    { 'request.header.x-door': 'one', 'request.header.x-gate': '[redacted]' },
  ]);
});

test('several logs have their own format, fields and choice, and routes have a word too', async (t) => {
  const { gatehouse, file } = await start(t, {
    routes: {
      all: { match: { path: '/*' }, to: { respond: { text: 'here', headers: { 'x-made': '${path}' } } } },
      health: { match: { path: '/healthz' }, accessLog: false, to: { respond: { text: 'fine' } } },
      rare: { match: { path: '/rare' }, accessLog: { sample: '0%' }, to: { respond: { text: 'rare' } } },
    },
    accessLog: {
      flushEvery: '10ms',
      to: [
        { file: './logs/access.log' },
        { to: { file: './logs/lost.log' }, format: 'combined', filter: { path: '/lost/*' } },
        { to: { file: './logs/made.log' }, fields: ['target', 'response.header.x-made', { env: 'test' }] },
      ],
    },
  });
  for (const path of ['/healthz', '/rare', '/a?key=secret', '/lost/1']) await ask(gatehouse.port(), path);
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
  assert.deepEqual(
    (await readLines(file)).map(({ target }) => target),
    ['/a?key=[redacted]', '/lost/1'],
  );
  const lost = await readFile(join(file, '../lost.log'), 'utf8');
  assert.match(lost, /^127\.0\.0\.1 - - \[.{26}\] "GET \/lost\/1 HTTP\/1\.1" 200 4 "-" "-"\n$/);
  assert.deepEqual(await readLines(join(file, '../made.log')), [
    { target: '/a?key=[redacted]', 'response.header.x-made': '/a', env: 'test' },
    { target: '/lost/1', 'response.header.x-made': '/lost/1', env: 'test' },
  ]);
});

test('fields of an answer of a service are told as the client has them', async (t) => {
  const upstream = await startRawUpstream((connection) =>
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-version: 7\r\nset-cookie: session=1\r\netag: "a\xe9"\r\n\r\nok'),
  );
  t.after(() => upstream.close());
  const { gatehouse, file } = await start(t, {
    services: { orders: { endpoints: [upstream.url] } },
    routes: { orders: { match: { path: '/*' }, to: 'orders' } },
    accessLog: {
      to: { file: './logs/access.log' },
      flushEvery: '10ms',
      fields: {
        version: '${response.header.x-version}',
        cookie: '${response.header.set-cookie}',
        etag: '${response.header.etag}',
      },
    },
  });
  const answer = await ask(gatehouse.port(), '/a');
  assert.equal(answer.headers['x-version'], '7');
  const [line] = await untilTargets(file, ['/a']);
  assert.deepEqual([line!['version'], line!['cookie'], line!['etag']], ['7', '[redacted]', '"a\u00e9"']);
});
