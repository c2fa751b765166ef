// The whole demo as a user starts it: services, Gatehouse in front of them, and everything gone after Ctrl-C.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get as httpGet, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { needs, run } from '#test/support/programs.ts';

const demoPath = join(import.meta.dirname, 'demo.ts');

function startDemo(ports: { PORT: number; ADMIN_PORT: number }): ChildProcess {
  const env = { ...process.env, PORT: String(ports.PORT), HTTPS_PORT: '0', ADMIN_PORT: String(ports.ADMIN_PORT) };
  return spawn(process.execPath, [demoPath], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('the demo', { timeout: 30_000 }, () => {
  let demo: ChildProcess;
  let host = '';
  let secureCommand: string[] = [];
  const servicePorts: number[] = [];
  let consoleUrl = '';

  before(async () => {
    demo = startDemo({ PORT: 0, ADMIN_PORT: 0 });
    demo.stderr?.pipe(process.stderr);
    for await (const line of createInterface({ input: demo.stdout! })) {
      host = /^The drone-delivery shop is open: http:\/\/(\S+)/.exec(line)?.[1] ?? host;
      consoleUrl = /\bconsole (http:\/\/\S+)$/.exec(line)?.[1] ?? consoleUrl;
      const secure = /^ {2}curl (--cacert .+)$/.exec(line);
      if (secure) secureCommand = secure[1]!.split(' ');
      const service = /^ {2}\S+ +http:\/\/127\.0\.0\.1:(\d+)$/.exec(line);
      if (service) servicePorts.push(Number(service[1]));
      if (line.startsWith('Ctrl-C')) break;
    }
    demo.stdout?.resume();
  });

  after(async () => {
    // Still there only when a test failed. It is asked to end, not killed, so that it takes the gateway along.
    if (demo.exitCode === null && demo.kill('SIGTERM')) await once(demo, 'close');
  });

  test('says where the gateway and the services are', () => {
    assert.match(host, /^localhost:\d+$/);
    assert.equal(servicePorts.length, 5);
  });

  test('shows the console', async () => {
    const page = await fetch(consoleUrl);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<title>Gatehouse<\/title>/);
  });

  test('answers from every service through the gateway', async () => {
    for (const path of ['accounts', 'packages', 'deliveries', 'drones']) {
      const response = await fetch(`http://${host}/${path}`);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get('x-served-by') ?? '', new RegExp(`^${path}(-next)?$`));
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.match(await response.text(), /"id"/);
    }
  });

  test('puts one answer together from four services', async () => {
    const response = await fetch(`http://${host}/api/overview/ada`);
    assert.deepEqual([response.status, response.headers.get('gatehouse-partial')], [200, null]);
    assert.partialDeepStrictEqual(await response.json(), {
      name: 'Ada Lovelace',
      landingSpot: 'Garden, 12 St James Square',
      packages: [{ id: 'p-1', content: 'Punched cards', status: 'delivered', drone: 'swift' }],
      drones: [{ id: 'swift', status: 'flying' }, { id: 'kestrel' }, { id: 'albatross' }],
    });
    assert.equal((await fetch(`http://${host}/api/overview/nobody`)).status, 404);
  });

  test('answers over TLS, with a certificate that the printed command trusts', needs('curl'), async () => {
    const { status, stdout } = await run('curl', ['--silent', '--show-error', ...secureCommand]);
    assert.equal(status, 0);
    assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), { shop: 'Drone delivery behind Gatehouse' });
  });

  test('answers what needs no service by itself', async () => {
    const home = await fetch(`http://${host}/`);
    assert.partialDeepStrictEqual(await home.json(), { shop: 'Drone delivery behind Gatehouse' });
    const hello = await fetch(`http://${host}/hello/ada`);
    assert.deepEqual(await hello.json(), { hello: 'ada' });
    assert.equal((await fetch(`http://${host}/nothing`)).status, 404);

    const old = await fetch(`http://${host}/old`, { redirect: 'manual' });
    assert.equal(old.status, 301);
    assert.equal(new URL(old.headers.get('location') ?? '', `http://${host}`).pathname, '/');
  });

  test('sends whoever asks for the canary to the next release', async () => {
    const byHeader = await fetch(`http://${host}/packages/p-1`, { headers: { 'x-canary': 'yes' } });
    const byQuery = await fetch(`http://${host}/packages/p-1?canary=yes`);
    assert.equal(byHeader.headers.get('x-served-by'), 'packages-next');
    assert.equal(byQuery.headers.get('x-served-by'), 'packages-next');
  });

  test('strips the prefix of the first API version', async () => {
    const response = await fetch(`http://${host}/v1/packages/p-1`);
    assert.partialDeepStrictEqual(await response.json(), { id: 'p-1' });
  });

  test('lets only the host of the operators recall a drone', async () => {
    assert.equal(await recallStatus(`ops.${host}`), 200);
    const refused = await recallStatus(host);
    assert.ok(refused === 404 || refused === 405, `got ${refused}`);
  });

  test('creates a delivery and streams its events while they happen', async () => {
    const response = await fetch(`http://${host}/deliveries`, {
      method: 'POST',
      body: JSON.stringify({ packageId: 'p-2', droneId: 'kestrel' }),
    });
    assert.equal(response.status, 201);
    const { events, close } = await openEvents(`http://${host}${response.headers.get('location')}/events`);
    assert.equal((await events.next()).value?.status, 'accepted');
    assert.equal((await events.next()).value?.status, 'loaded');
    close();
  });

  test('passes a WebSocket through', async () => {
    const feed = new WebSocket(`ws://${host}/drones/swift/feed`);
    const [message] = await once(feed, 'message');
    assert.equal(JSON.parse(message.data).id, 'swift');
    feed.close();
    await once(feed, 'close');
  });

  test('ends with status 0 on Ctrl-C even with open feeds, and frees every port', async () => {
    const created = await fetch(`http://${host}/deliveries`, { method: 'POST', body: '{"packageId":"p-1","droneId":"swift"}' });
    const { events, close } = await openEvents(`http://${host}${created.headers.get('location')}/events`);
    await events.next();
    const feed = new WebSocket(`ws://${host}/drones/swift/feed`);
    await once(feed, 'message');

    demo.kill('SIGINT');
    demo.kill('SIGINT'); // as a terminal and npm do together
    const [[status]] = await Promise.all([once(demo, 'close'), once(feed, 'close')]);
    close();

    assert.equal(status, 0);
    for (const port of [Number(host.split(':')[1]), ...servicePorts]) assert.equal(await isOpen(port), false, `port ${port}`);
  });

  function recallStatus(hostField: string): Promise<number | undefined> {
    const [hostname, port] = host.split(':');
    return new Promise((resolve, reject) => {
      const options = { hostname, port, method: 'POST', path: '/drones/kestrel/recall', headers: { host: hostField } };
      const request = httpRequest(options, (response) => resolve(response.resume().statusCode));
      request.on('error', reject).end();
    });
  }
});

test('the demo says what to do when a port is taken, and leaves nothing behind', { timeout: 30_000 }, async () => {
  const other = createServer().listen(0);
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);

  const demo = startDemo({ PORT: address.port, ADMIN_PORT: 0 });
  demo.stdout?.resume();
  const [said, [status]] = await Promise.all([text(demo.stderr!), once(demo, 'close')]);
  other.close();

  assert.notEqual(status, 0);
  assert.match(said, new RegExp(String(address.port)));
  assert.match(said, /PORT=8090 HTTPS_PORT=8453 ADMIN_PORT=9090 npm start/);
});

/** Opens a feed of server-sent events, to be read one by one. */
async function openEvents(url: string) {
  const request = httpGet(url);
  const [response] = await once(request, 'response');
  response.on('error', () => {}); // closing an open feed is how these tests leave it
  async function* read(): AsyncGenerator<{ status: string }> {
    for await (const line of createInterface({ input: response })) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6));
  }
  return { events: read(), close: () => request.destroy() };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isConnected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return isConnected;
}
