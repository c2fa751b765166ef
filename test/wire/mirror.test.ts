/** Copies of requests go to another service, and clients notice nothing of what becomes of them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, openClient, settle } from '#test/support/forwarding.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type OnData = (connection: UpstreamConnection, chunk: string) => void;
type ServiceInput = NonNullable<GatewayInput['services']>[string];
type RouteInput = NonNullable<GatewayInput['routes']>[string];
type MirrorInput = Omit<Exclude<NonNullable<NonNullable<GatewayInput['policies']>['mirror']>, false>, 'to'>;

const SERVED = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nserved';
const LOST = 'mirrored requests lost';

interface Fixture {
  readonly gateway: TestGateway;
  readonly main: RawUpstream;
  readonly shadow: RawUpstream;
  send(path?: string, asked?: Asked): Promise<{ status: number; body: string }>;
}

/** Answers each request of a connection once it is whole. */
function answerWhole(answer: string | (() => string)): OnData {
  const answered = new WeakMap<UpstreamConnection, number>();
  return (connection) => {
    const from = answered.get(connection) ?? 0;
    const rest = connection.received.slice(from);
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/.exec(rest.slice(0, end))?.[1] ?? 0);
    const isChunked = rest.slice(0, end).includes('transfer-encoding: chunked');
    const size = isChunked ? rest.indexOf('0\r\n\r\n', end) + 5 : end + 4 + length;
    if (rest.length < size || size < end) return;
    answered.set(connection, from + size);
    connection.send(typeof answer === 'string' ? answer : answer());
  };
}

async function start(
  t: TestContext,
  onShadow: OnData,
  options: {
    mirror?: MirrorInput;
    shadow?: Partial<ServiceInput>;
    clock?: FakeClock;
    policies?: GatewayInput['policies'];
    to?: RouteInput['to'];
    main?: Partial<ServiceInput>;
    onMain?: OnData;
  } = {},
): Promise<Fixture> {
  const main = await startRawUpstream(options.onMain ?? answerWhole(SERVED));
  const shadow = await startRawUpstream(onShadow);
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [main.url], ...options.main }, shadow: { endpoints: [shadow.url], ...options.shadow } },
      ...(options.clock !== undefined && { listeners: { web: { address: '127.0.0.1:0', timeouts: { head: '1s' } } } }),
      routes: {
        local: { match: { path: '/-/local' }, to: { respond: { status: 204 } } },
        shadow: { match: { path: '/shadow' }, to: 'shadow' },
        all: {
          match: { path: '/*' },
          to: options.to ?? 'main',
          policies: { ...options.policies, mirror: { to: 'shadow', ...options.mirror } },
        },
      },
    },
    options.clock === undefined ? {} : { clock: options.clock },
  );
  t.after(async () => {
    await gateway.stop();
    await eventually(() => shadow.connections.every(({ socket }) => socket.closed), 'no copy is under way any more');
    await main.close();
    await shadow.close();
  });
  return { gateway, main, shadow, send: (path = '/', asked = {}) => ask(gateway.port(), path, asked) };
}

/** What the gateway says of copies that were lost; it is said at the latest when it stops. */
async function lossesOf({ gateway }: Fixture): Promise<Record<string, number>> {
  await gateway.stop();
  const total: Record<string, number> = { tooMany: 0, tooLarge: 0, refused: 0, failed: 0, timeout: 0 };
  for (const { message, fields } of gateway.events)
    if (message === LOST) for (const [name, count] of Object.entries(fields ?? {})) total[name]! += Number(count);
  return total;
}

const noLosses = { tooMany: 0, tooLarge: 0, refused: 0, failed: 0, timeout: 0 };

test('the other service gets the same request with a mark, as policies have shaped it, and the client gets one answer', async (t) => {
  const fixture = await start(t, answerWhole('HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\nno'), {
    policies: { rewrite: { stripPrefix: '/api' }, headers: { request: { set: { 'x-team': 'shop' } } } },
  });
  const { send, main, shadow } = fixture;
  const { status, body } = await send('/api/a?b=c', {
    method: 'POST',
    body: 'hello',
    headers: { host: 'shop.test', 'x-own': '1' },
  });
  assert.deepEqual([status, body], [200, 'served']);
  await eventually(() => shadow.connections[0]?.received.endsWith('hello') === true, 'the copy is there');
  const { received } = shadow.connections[0]!;
  assert.match(received, /^POST \/a\?b=c HTTP\/1\.1\r\nhost: shop\.test\r\n/);
  for (const line of ['x-own: 1', 'x-team: shop', 'x-gatehouse-mirror: 1', 'content-length: 5', 'x-forwarded-for: 127.0.0.1'])
    assert.ok(received.includes(`${line}\r\n`), line);
  const idOf = (text: string) => /x-request-id: (\w+)/.exec(text)?.[1];
  assert.equal(idOf(received), idOf(main.connections[0]!.received));
  assert.ok(!main.connections[0]!.received.includes('x-gatehouse-mirror'));
  assert.deepEqual(await lossesOf(fixture), noLosses);
});

test('a request that is tried again is copied once, as a whole', async (t) => {
  const statuses = ['503 Busy', '503 Busy', '200 OK'];
  const fixture = await start(t, answerWhole(SERVED), {
    main: { retry: { on: [503], backoff: { base: '1ms', max: '1ms' } } },
    onMain: answerWhole(() => `HTTP/1.1 ${statuses.shift()}\r\ncontent-length: 6\r\n\r\nserved`),
  });
  const { send, shadow } = fixture;
  const { status, body } = await send('/', { method: 'PUT', body: 'hello' });
  assert.deepEqual([status, body, statuses], [200, 'served', []]);
  await eventually(() => copiesRun(fixture) === 0, 'the copy has ended');
  assert.deepEqual(await lossesOf(fixture), noLosses);
  const copies = shadow.connections.flatMap(({ received }) => received.match(/^PUT .*$/gm) ?? []);
  assert.equal(copies.length, 1);
  assert.ok(shadow.connections[0]!.received.endsWith('\r\n\r\nhello'));
});

test('the host of a copy follows the rule of its own service', async (t) => {
  const { send, shadow } = await start(t, answerWhole(SERVED), { shadow: { host: { name: 'shadow.test' } } });
  await send('/', { headers: { host: 'shop.test' } });
  await eventually(
    () => /^GET \/ HTTP\/1\.1\r\nhost: shadow\.test\r\n/.test(shadow.connections[0]?.received ?? ''),
    'the copy is there',
  );
});

test('a body that comes in pieces, of no known length, is copied as a whole', async (t) => {
  const { gateway, shadow } = await start(t, answerWhole(SERVED));
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
  client.send('6\r\n world\r\n0\r\n\r\n');
  await client.until('served');
  await eventually(() => shadow.connections[0]?.received.endsWith('\r\n\r\nhello world') === true, 'the copy is there');
  assert.match(shadow.connections[0]!.received, /\r\ncontent-length: 11\r\n/);
});

test('a body up to the limit is copied; a longer one is not, whether its length is known or not', async (t) => {
  const fixture = await start(t, answerWhole(SERVED), { mirror: { maxBody: '1KiB' } });
  const { send, shadow, main } = fixture;
  assert.equal((await send('/', { method: 'POST', body: 'a'.repeat(1024) })).status, 200);
  await eventually(() => shadow.connections[0]?.received.endsWith('a'.repeat(1024)) === true, 'the copy is there');
  assert.equal((await send('/', { method: 'POST', body: 'b'.repeat(1025) })).status, 200);
  const chunked = { 'transfer-encoding': 'chunked' };
  assert.equal((await send('/', { method: 'POST', body: 'c'.repeat(1025), headers: chunked })).status, 200);
  assert.ok(main.connections.some(({ received }) => received.includes('c'.repeat(1025))));
  assert.deepEqual(await lossesOf(fixture), { ...noLosses, tooLarge: 2 });
  assert.equal(shadow.connections.length, 1);
  assert.ok(!shadow.connections[0]!.received.includes('b'.repeat(64)));
});

test('a request that is a copy already is not copied again', async (t) => {
  const fixture = await start(t, answerWhole(SERVED));
  assert.equal((await fixture.send('/', { headers: { 'x-gatehouse-mirror': '1' } })).status, 200);
  assert.deepEqual(await lossesOf(fixture), noLosses);
  assert.equal(fixture.shadow.connections.length, 0);
});

const troubles: { name: string; onShadow: OnData; shadow?: Partial<ServiceInput>; losses: Record<string, number> }[] = [
  {
    name: 'is down',
    onShadow: () => undefined,
    shadow: { endpoints: ['http://127.0.0.1:1'] },
    losses: { ...noLosses, failed: 30 },
  },
  { name: 'breaks off', onShadow: ({ socket }) => void socket.destroy(), losses: { ...noLosses, failed: 30 } },
  {
    name: 'answers nonsense',
    onShadow: (connection) => connection.send('nonsense\r\n\r\n'),
    losses: { ...noLosses, failed: 30 },
  },
  { name: 'never answers', onShadow: () => undefined, losses: noLosses },
];

for (const { name, onShadow, shadow, losses } of troubles) {
  test(`clients are answered as ever while the other service ${name}`, async (t) => {
    const clock = new FakeClock();
    const fixture = await start(t, onShadow, { clock, ...(shadow !== undefined && { shadow }) });
    // Time stands still, so nothing that waits for a deadline of the copy would ever be answered.
    for (let i = 0; i < 30; i++) {
      const { status, body } = await fixture.send('/', { method: 'POST', body: 'hello' });
      assert.deepEqual([status, body], [200, 'served']);
    }
    if (losses !== noLosses) await eventually(() => copiesRun(fixture) === 0, 'all copies have failed');
    assert.deepEqual(await lossesOf(fixture), losses);
    assert.ok((await fixture.gateway.stop()).every((line) => line['code'] === undefined && line['attempts'] === undefined));
  });
}

function copiesRun({ gateway }: Fixture): number {
  return gateway.control.plane!.mirroredCount;
}

test('copies that hang are as many as there may be; more are dropped and counted, and their time ends', async (t) => {
  const clock = new FakeClock();
  const max = limits.mirroredRequestsMax;
  const fixture = await start(t, () => undefined, { clock, mirror: { timeout: '3s' } });
  const { gateway, send, shadow } = fixture;
  for (let i = 0; i < max + 5; i++) assert.equal((await send()).status, 200);
  assert.equal(copiesRun(fixture), max);
  assert.ok(shadow.connections.length <= max);
  clock.advance(3_500);
  await eventually(() => copiesRun(fixture) === 0, 'the copies have been given up');
  assert.equal((await send()).status, 200);
  assert.equal(copiesRun(fixture), 1);
  clock.advance(5_500);
  await eventually(() => gateway.events.some(({ message }) => message === LOST), 'the log has been told');
  assert.equal(gateway.events.filter(({ message }) => message === LOST).length, 1);
  const losses = await lossesOf(fixture);
  assert.deepEqual({ ...losses, timeout: losses['timeout']! >= max }, { ...noLosses, tooMany: 5, timeout: true });
});

test('of an answer that does not end, a little is read; then its connection is closed, and clients go on', async (t) => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sentBytes = 0;
  const fixture = await start(t, (connection) => {
    const { socket } = connection;
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 30}\r\n\r\n`);
    const fill = () => {
      while (!socket.destroyed && sentBytes < 2 ** 30) {
        sentBytes += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on('drain', fill);
    fill();
  });
  assert.equal((await fixture.send()).body, 'served');
  await eventually(() => fixture.shadow.connections[0]?.socket.closed === true, 'the answer has been cut off');
  assert.ok(sentBytes < 64 * 1024 * 1024, `${sentBytes} bytes were sent`);
  assert.equal((await fixture.send()).body, 'served');
});

test('a client that breaks its request off leaves nothing to copy', async (t) => {
  const fixture = await start(t, answerWhole(SERVED));
  const client = await openClient(t, fixture.gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhalf');
  await eventually(() => fixture.main.connections[0]?.received.endsWith('half') === true, 'the request is under way');
  assert.equal(copiesRun(fixture), 1);
  client.close();
  await eventually(() => copiesRun(fixture) === 0, 'the copy has been given up');
  assert.deepEqual(await lossesOf(fixture), noLosses);
  assert.equal(fixture.shadow.connections.length, 0);
});

test('a request that is answered before it is whole leaves nothing to copy once its time is over', async (t) => {
  const clock = new FakeClock();
  const fixture = await start(t, answerWhole(SERVED), { clock });
  const client = await openClient(t, fixture.gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhalf');
  await eventually(() => fixture.main.connections[0]?.received.endsWith('half') === true, 'the request is under way');
  fixture.main.connections[0]!.send(SERVED);
  await client.until('served');
  assert.equal(copiesRun(fixture), 1);
  clock.advance(6_000);
  await eventually(() => copiesRun(fixture) === 0, 'the copy has been given up');
  assert.deepEqual(await lossesOf(fixture), noLosses);
  assert.equal(fixture.shadow.connections.length, 0);
});

test('a fixed answer of a fallback to a request that is not whole leaves nothing to copy', async (t) => {
  const fixture = await start(t, answerWhole(SERVED), {
    clock: new FakeClock(),
    to: { service: 'main', fallback: { respond: { text: 'instead' }, when: [503] } },
  });
  const client = await openClient(t, fixture.gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhalf');
  await eventually(() => fixture.main.connections[0]?.received.endsWith('half') === true, 'the request is under way');
  assert.equal(copiesRun(fixture), 1);
  fixture.main.connections[0]!.send('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n');
  await client.until('instead');
  assert.equal(copiesRun(fixture), 0);
  assert.deepEqual(await lossesOf(fixture), noLosses);
});

test('copies use the connections of their service again', async (t) => {
  const { send, shadow, gateway } = await start(t, answerWhole(SERVED));
  for (let i = 0; i < 5; i++) {
    await send();
    await eventually(() => gateway.control.plane!.mirroredCount === 0, 'the copy has ended');
  }
  assert.equal(shadow.connections.length, 1);
});

test('copies go to services over HTTP/2 as well', async (t) => {
  const seen: { method: string | undefined; mark: string | string[] | undefined; body: string }[] = [];
  const shadow = await startHttp2Upstream(t, (stream, headers) => {
    let body = '';
    stream.on('data', (piece: Buffer) => {
      body += piece.toString('latin1');
    });
    stream.on('end', () => {
      seen.push({ method: headers[':method'], mark: headers['x-gatehouse-mirror'], body });
      stream.respond({ ':status': 204 }, { endStream: true });
    });
  });
  const fixture = await start(t, () => undefined, { shadow: { endpoints: [shadow.url], protocol: 'http2' } });
  assert.equal((await fixture.send('/', { method: 'POST', body: 'hello' })).body, 'served');
  await eventually(() => copiesRun(fixture) === 0, 'the copy has ended');
  assert.deepEqual(seen, [{ method: 'POST', mark: '1', body: 'hello' }]);
  assert.deepEqual(await lossesOf(fixture), noLosses);
});

test('copies take places at their service, and one that finds none is dropped and counted rather than waiting', async (t) => {
  const held: UpstreamConnection[] = [];
  const fixture = await start(t, (connection) => void held.push(connection), {
    shadow: { concurrency: { max: 2, queue: 10 } },
  });
  const { send } = fixture;
  for (let i = 0; i < 5; i++) assert.equal((await send()).body, 'served');
  assert.equal(copiesRun(fixture), 2);
  await eventually(() => held.length === 2, 'two copies are there');
  held[0]!.send(SERVED);
  await eventually(() => copiesRun(fixture) === 1, 'one of them has ended');
  await send();
  await eventually(() => held.length === 3, 'its place is taken by another one');
  assert.deepEqual(await lossesOf(fixture), { ...noLosses, refused: 3 });
});

test('where requests wait for a place, no copy comes before them', async (t) => {
  const held: UpstreamConnection[] = [];
  const fixture = await start(t, (connection) => void held.push(connection), {
    shadow: { concurrency: { max: 1, queue: 10 } },
  });
  const { gateway, send } = fixture;
  for (const count of [1, 1]) {
    const client = await openClient(t, gateway);
    client.send('GET /shadow HTTP/1.1\r\nhost: shop\r\n\r\n');
    await eventually(() => held.length === count, 'the only place is taken');
    await settle(gateway);
  }
  assert.equal((await send()).body, 'served');
  assert.equal(copiesRun(fixture), 0);
  assert.deepEqual(await lossesOf(fixture), { ...noLosses, refused: 1 });
});

for (const per of ['service', 'endpoint'] as const) {
  test(`a breaker of the ${per} that copies have opened lets none through, and closes by them as well`, async (t) => {
    const clock = new FakeClock();
    let status = 500;
    let asked = 0;
    const onShadow = answerWhole(() => {
      asked += 1;
      return `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`;
    });
    const breaker = { per, minRequests: 2, openFor: '5s', probes: 1 } as const;
    const fixture = await start(t, onShadow, { clock, shadow: { breaker } });
    const sendMany = async (count: number) => {
      for (let i = 0; i < count; i++) {
        assert.equal((await fixture.send()).body, 'served');
        await eventually(() => copiesRun(fixture) === 0, 'the copy has ended');
      }
    };
    await sendMany(4);
    assert.equal(asked, 2);
    status = 200;
    await advance(clock, 5_500, fixture.gateway);
    await sendMany(4);
    assert.equal(asked, 6);
    assert.deepEqual(await lossesOf(fixture), { ...noLosses, refused: 2 });
  });
}

test('a service that leaves copies without an answer fails, and its breaker opens', async (t) => {
  const clock = new FakeClock();
  const breaker = { minRequests: 2, openFor: '1m' } as const;
  const fixture = await start(t, () => undefined, { clock, mirror: { timeout: '2s' }, shadow: { breaker } });
  for (let i = 0; i < 2; i++) await fixture.send();
  await eventually(() => fixture.shadow.connections.length === 2, 'the copies are there');
  await advance(clock, 3_000, fixture.gateway);
  await eventually(() => copiesRun(fixture) === 0, 'the copies have been given up');
  await fixture.send();
  assert.equal(copiesRun(fixture), 0);
  assert.deepEqual(await lossesOf(fixture), { ...noLosses, timeout: 2, refused: 1 });
});

test('a service is not blamed for the time that a client took to send what is copied', async (t) => {
  const clock = new FakeClock();
  const breaker = { minRequests: 1, openFor: '1m' } as const;
  const fixture = await start(t, () => undefined, { clock, mirror: { timeout: '4s' }, shadow: { breaker } });
  const client = await openClient(t, fixture.gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 8\r\n\r\nhalf');
  await eventually(() => fixture.main.connections[0]?.received.endsWith('half') === true, 'the request is under way');
  await advance(clock, 3_000, fixture.gateway);
  client.send('half');
  await client.until('served');
  await eventually(() => fixture.shadow.connections.length === 1, 'the copy is there');
  await advance(clock, 1_500, fixture.gateway);
  await eventually(() => copiesRun(fixture) === 0, 'the copy has been given up');
  await fixture.send();
  assert.equal(copiesRun(fixture), 1);
  assert.deepEqual(await lossesOf(fixture), { ...noLosses, timeout: 1 });
});
