// Connections that become tunnels: both directions, early bytes, ends, silence, and upgrades that are refused.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import {
  type Forwarding,
  type ForwardingOptions,
  maskVariables,
  onEachRequest,
  startForwarding,
} from '#test/support/forwarding.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const upgradeRequest = 'GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: keep-alive, Upgrade\r\nupgrade: echo/1\r\nx-a: b\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo/1\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface OpenTunnel extends Forwarding {
  readonly client: RawClient;
  readonly upstreamEnd: UpstreamConnection;
}

/** A tunnel that is agreed on; `client.received` and the end of `upstreamEnd.received` are its bytes. */
async function openTunnel(t: TestContext, options: ForwardingOptions = {}): Promise<OpenTunnel> {
  const forwarding = await startForwarding(
    t,
    (connection, chunk) => {
      if (chunk.endsWith('\r\n\r\n') && connection.received === chunk) connection.send(switching);
    },
    options,
  );
  const client = await forwarding.open();
  client.send(upgradeRequest);
  await client.until(/\r\n\r\n$/);
  client.take();
  return { ...forwarding, client, upstreamEnd: forwarding.upstream.connections[0]! };
}

test('an upgrade is asked for and agreed to in the gateway’s own words', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest(({ send }) => send(switching)),
  );
  const client = await open();
  client.send(upgradeRequest);
  await client.until(/\r\n\r\n$/);
  const sent = maskVariables(upstream.connections[0]!.received);
  assert.match(sent, /^GET \/chat HTTP\/1\.1\r\nhost: shop\r\nx-a: b\r\n/);
  assert.match(sent, /\r\nx-request-id: \*\r\nupgrade: echo\/1\r\nconnection: upgrade\r\n\r\n$/);
  const head = maskVariables(client.received);
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, /\r\nupgrade: echo\/1\r\n/);
  assert.match(head, /\r\nconnection: upgrade\r\n\r\n$/);
  assert.doesNotMatch(head, /content-length|transfer-encoding/);
});

test('bytes go both ways as they are, whatever they look like', async (t) => {
  const { client, upstreamEnd } = await openTunnel(t);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  client.send(bytes);
  client.send('GET / HTTP/1.1\r\n\r\n0\r\n\r\n');
  await eventually(
    () => upstreamEnd.received.endsWith(`${bytes.toString('latin1')}GET / HTTP/1.1\r\n\r\n0\r\n\r\n`),
    'all is at the upstream',
  );
  upstreamEnd.send(bytes);
  upstreamEnd.send('HTTP/1.1 500 No\r\n\r\n');
  await client.until('HTTP/1.1 500 No\r\n\r\n');
  assert.equal(client.received, `${bytes.toString('latin1')}HTTP/1.1 500 No\r\n\r\n`);
});

test('what the client sends right behind its request is the first thing in the tunnel', async (t) => {
  const { upstream, open, settle } = await startForwarding(t, () => {});
  const client = await open();
  client.send(`${upgradeRequest}early `);
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the request is there');
  client.send('bird');
  await settle();
  assert.doesNotMatch(upstream.connections[0]!.received, /early/);
  upstream.connections[0]!.send(switching);
  await eventually(() => upstream.connections[0]!.received.endsWith('\r\n\r\nearly bird'), 'the early bytes are there');
});

test('what the upstream sends right behind its head is the first thing in the tunnel', async (t) => {
  const { open } = await startForwarding(
    t,
    onEachRequest(({ send }) => send(`${switching}welcome`)),
  );
  const client = await open();
  client.send(upgradeRequest);
  assert.match(await client.until('welcome'), /\r\nconnection: upgrade\r\n\r\nwelcome$/);
});

test('the head of the upstream may come split at any byte, with early bytes behind it', async (t) => {
  let position = 1;
  const whole = `${switching}welcome`;
  const { open } = await startForwarding(
    t,
    onEachRequest(
      ({ socket }) => void socket.write(whole.slice(0, position), () => setImmediate(() => socket.write(whole.slice(position)))),
    ),
  );
  for (; position < whole.length; position += 3) {
    const client = await open();
    client.send(upgradeRequest);
    assert.match(await client.until('welcome'), /\r\nconnection: upgrade\r\n\r\nwelcome$/);
    client.close();
  }
});

test('the end of the client’s side is passed on, and the upstream may go on', async (t) => {
  const { client, upstreamEnd } = await openTunnel(t);
  client.socket.end('last words');
  await eventually(() => upstreamEnd.socket.readableEnded || upstreamEnd.received.endsWith('last words'), 'the words are there');
  await eventually(() => upstreamEnd.socket.readableEnded, 'the end is there');
  assert.ok(upstreamEnd.received.endsWith('last words'));
});

test('the end of the upstream’s side is passed on, and the client may go on', async (t) => {
  const { client, upstreamEnd } = await openTunnel(t);
  upstreamEnd.socket.end('last words');
  assert.equal(await client.untilEnd(), 'last words');
  client.send('and mine');
  await eventually(() => upstreamEnd.received.endsWith('and mine'), 'the client goes on');
  client.socket.end();
  await eventually(() => upstreamEnd.socket.closed, 'both sides are closed');
});

test('an end that comes before the tunnel is agreed on is passed on as well', async (t) => {
  const { upstream, open, settle } = await startForwarding(t, () => {});
  const client = await open();
  client.send(`${upgradeRequest}early`);
  client.socket.end();
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the request is there');
  await settle();
  const { socket, send } = upstream.connections[0]!;
  send(`${switching}welcome`);
  await client.until('welcome');
  await eventually(() => socket.readableEnded, 'the end is at the upstream');
  assert.ok(upstream.connections[0]!.received.endsWith('early'));
});

for (const side of ['client', 'upstream'] as const) {
  test(`a reset of the ${side} is passed on as a reset`, async (t) => {
    const { client, upstreamEnd, gateway } = await openTunnel(t);
    let error: NodeJS.ErrnoException | undefined;
    upstreamEnd.socket.on('error', (raised) => {
      error = raised;
    });
    if (side === 'client') {
      client.socket.resetAndDestroy();
      await eventually(() => upstreamEnd.socket.closed, 'the upstream is told');
    } else {
      upstreamEnd.socket.resetAndDestroy();
      await client.untilEnd();
      error = client.error;
    }
    assert.equal(error?.code, 'ECONNRESET');
    await eventually(() => gateway.control.plane?.connectionCount === 0, 'the gateway has closed the connection');
  });
}

test('a tunnel in which nothing moves is ended after its time, and one in which one side speaks is not', async (t) => {
  const clock = new FakeClock();
  const { client, upstreamEnd, advance } = await openTunnel(t, {
    clock,
    gateway: { listeners: { web: { address: '127.0.0.1:0', timeouts: { head: '1s', tunnelIdle: '10s' } } } },
  });
  for (const [index, word] of ['one', 'two', 'three'].entries()) {
    await advance(8_000);
    if (index % 2 === 0) {
      client.send(word);
      await eventually(() => upstreamEnd.received.endsWith(word), `${word} is there`);
    } else {
      upstreamEnd.send(word);
      await client.until(word);
    }
  }
  await advance(8_000);
  assert.equal(client.hasEnded, false);
  clock.advance(3_000);
  await client.untilEnd();
  await eventually(() => upstreamEnd.socket.closed, 'the upstream is closed too');
});

test('large amounts go both ways at once unchanged, and a slow reader holds only its own direction up', async (t) => {
  const { client, upstreamEnd } = await openTunnel(t);
  const size = 32 * 1024 * 1024;
  const up = Buffer.alloc(size, 'up');
  const down = Buffer.alloc(size, 'down');
  let upBytes = 0;
  let downBytes = 0;
  upstreamEnd.socket.removeAllListeners('data');
  upstreamEnd.socket.on('data', (bytes: Buffer) => {
    assert.ok(bytes.equals(up.subarray(upBytes, upBytes + bytes.length)));
    upBytes += bytes.length;
  });
  client.socket.removeAllListeners('data');
  client.socket.pause();
  client.socket.on('data', (bytes: Buffer) => {
    assert.ok(bytes.equals(down.subarray(downBytes, downBytes + bytes.length)));
    downBytes += bytes.length;
  });
  client.socket.pause();
  upstreamEnd.send(down);
  client.send(up);
  await eventually(() => upBytes === size, 'all is at the upstream');
  assert.ok(downBytes < size);
  client.socket.resume();
  await eventually(() => downBytes === size, 'all is at the client');
});

for (const [status, text] of [
  [200, ok],
  [403, 'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nok'],
  [426, 'HTTP/1.1 426 Upgrade Required\r\nupgrade: other\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nok'],
] as const) {
  test(`an upgrade that the upstream answers with ${status} is an exchange like any other`, async (t) => {
    const { upstream, open } = await startForwarding(
      t,
      onEachRequest(({ send }) => send(text)),
    );
    const client = await open();
    for (let i = 0; i < 2; i++) {
      client.take();
      client.send(upgradeRequest);
      assert.match(await client.until(/ok$/), new RegExp(`^HTTP/1.1 ${status} `));
    }
    assert.equal(upstream.connections.length, 1);
  });
}

test('bytes behind a refused upgrade are the next request', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest(({ send }) => send(ok)),
  );
  const client = await open();
  client.send(`${upgradeRequest}GET /next HTTP/1.1\r\nhost: shop\r\n\r\n`);
  await client.until(/ok[\s\S]*ok$/);
  assert.match(upstream.connections[0]!.received, /GET \/next HTTP\/1\.1\r\n/);
});

const unasked: { name: string; request: string; agreement?: string }[] = [
  { name: 'that nobody asked for', request: 'GET / HTTP/1.1\r\nhost: shop\r\n\r\n' },
  {
    name: 'that Connection does not name',
    request: 'GET / HTTP/1.1\r\nhost: shop\r\nupgrade: echo/1\r\n\r\n',
  },
  {
    name: 'to no protocol',
    request: upgradeRequest,
    agreement: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  },
  { name: 'for an HTTP/1.0 client', request: upgradeRequest.replace('HTTP/1.1', 'HTTP/1.0') },
  {
    name: 'beside a body',
    request: 'POST / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo/1\r\ncontent-length: 2\r\n\r\nhi',
  },
  {
    name: 'to HTTP/2, which would take requests past the gateway',
    request:
      'GET / HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n',
    agreement: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
  },
];

for (const { name, request, agreement } of unasked) {
  test(`answers 502 to a switch of protocols ${name}`, async (t) => {
    const { upstream, open } = await startForwarding(t, (connection) => {
      if (/\r\n\r\n(?:hi)?$/.test(connection.received)) connection.send(agreement ?? switching);
    });
    const client = await open();
    client.send(request);
    assert.match(await client.until(/GH_UPSTREAM_(?:UNEXPECTED_UPGRADE|MALFORMED_ANSWER)/), /HTTP\/1.1 502 /);
    if (name !== 'to no protocol') assert.doesNotMatch(upstream.connections[0]!.received, /upgrade|http2-settings/i);
    await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  });
}

test('of several protocols all but HTTP/2 are passed on', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest(({ send }) => send(switching)),
  );
  const client = await open();
  client.send('GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: h2c, echo/1, HTTP/2.0\r\n\r\n');
  await client.until(/\r\n\r\n$/);
  assert.match(upstream.connections[0]!.received, /\r\nupgrade: echo\/1\r\n/);
});

test('a tunnel takes a place of the pool until it ends', async (t) => {
  const { client, upstream, open, upstreamEnd } = await openTunnel(t, { service: { pool: { connections: 1 } } });
  const other = await open();
  other.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  client.send('still here');
  await eventually(() => upstreamEnd.received.endsWith('still here'), 'the tunnel works');
  assert.equal(upstream.connections.length, 1);
  client.socket.end();
  await eventually(() => upstream.connections[1]?.received.startsWith('GET / ') === true, 'the other request goes on');
  other.close();
});

test('a tunnel stays when the configuration is replaced', async (t) => {
  const { client, upstreamEnd, gateway } = await openTunnel(t);
  assert.deepEqual(
    await gateway.reconfigure({ routes: { none: { match: { path: '/*' }, to: { respond: { status: 404 } } } } }),
    [],
  );
  client.send('still here');
  await eventually(() => upstreamEnd.received.endsWith('still here'), 'the tunnel works');
});

test('the access log has one line for a tunnel, with the bytes of both sides', async (t) => {
  const { client, upstreamEnd, gateway } = await openTunnel(t);
  client.send('four');
  await eventually(() => upstreamEnd.received.endsWith('four'), 'the bytes are there');
  upstreamEnd.socket.end('seven!!');
  await client.untilEnd();
  client.socket.end();
  await eventually(() => gateway.control.plane?.connectionCount === 0, 'the tunnel has ended');
  const lines = await gateway.stop();
  assert.equal(lines.length, 1);
  const { status, requestBytes, responseBytes, tunnel } = lines[0]!;
  assert.deepEqual(
    { status, requestBytes, responseBytes, tunnel },
    { status: 101, requestBytes: 4, responseBytes: 7, tunnel: true },
  );
});
