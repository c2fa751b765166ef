// How long attempts and whole requests may take, and what the log says about the setting that ended them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { answerWith, codeOf, GET, neverAnswer, type Script, startScriptedService } from '#test/support/scripted-service.ts';

const stream: Script = ({ send }) => send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');

type Parts = Parameters<typeof startScriptedService>[2];

const limits: { name: string; parts: Parts; script: Script; code: string; setting: string; timeoutMs: number }[] = [
  {
    name: 'the first byte, of the service',
    parts: { service: { timeouts: { firstByte: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_FIRST_BYTE_TIMEOUT',
    setting: 'services.main.timeouts.firstByte',
    timeoutMs: 3_000,
  },
  {
    name: 'the first byte, of the route',
    parts: { service: { timeouts: { firstByte: '9s' } }, route: { timeouts: { firstByte: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_FIRST_BYTE_TIMEOUT',
    setting: 'routes.all.timeouts.firstByte',
    timeoutMs: 3_000,
  },
  {
    name: 'an attempt, of the service',
    parts: { service: { timeouts: { attempt: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_ATTEMPT_TIMEOUT',
    setting: 'services.main.timeouts.attempt',
    timeoutMs: 3_000,
  },
  {
    name: 'an attempt, of the route',
    parts: { route: { timeouts: { attempt: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_ATTEMPT_TIMEOUT',
    setting: 'routes.all.timeouts.attempt',
    timeoutMs: 3_000,
  },
  {
    name: 'a request, of the service',
    parts: { service: { timeouts: { request: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_REQUEST_TIMEOUT',
    setting: 'services.main.timeouts.request',
    timeoutMs: 3_000,
  },
  {
    name: 'a request, of the route',
    parts: { service: { timeouts: { request: '9s' } }, route: { timeouts: { request: '3s' } } },
    script: neverAnswer,
    code: 'GH_UPSTREAM_REQUEST_TIMEOUT',
    setting: 'routes.all.timeouts.request',
    timeoutMs: 3_000,
  },
];

for (const { name, parts, script, code, setting, timeoutMs } of limits) {
  test(`answers 504 when the time of ${name} is over, and not before; the log names the setting and the client hears nothing of it`, async (t) => {
    const clock = new FakeClock();
    const service = await startScriptedService(t, [script], { clock, ...parts });
    const client = await service.open();
    client.send(GET);
    await eventually(() => service.counts[0] === 1, 'the request is there');
    await advance(clock, 2_500, service.gateway);
    assert.equal(client.received, '');
    clock.advance(1_000);
    const answer = await client.untilEnd();
    assert.match(answer, /^HTTP\/1.1 504 /);
    assert.equal(codeOf(answer), code);
    assert.ok(!answer.includes('timeouts.'), answer);
    await eventually(() => service.upstreams[0]!.connections[0]!.socket.closed, 'the attempt is given up');
    const line = (await service.gateway.stop()).find(({ target }) => target === '/');
    assert.deepEqual(line?.['detail'], { timeoutMs, setting });
  });
}

test('the idle time of a route takes the place of the one of its service', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [stream], {
    clock,
    service: { timeouts: { idle: '9s' } },
    route: { timeouts: { idle: '3s' } },
  });
  const client = await service.open();
  client.send(GET);
  await client.until('\r\n\r\n');
  clock.advance(3_500);
  await client.untilEnd();
  const line = (await service.gateway.stop()).find(({ target }) => target === '/');
  assert.deepEqual(line?.['detail'], { timeoutMs: 3_000, setting: 'routes.all.timeouts.idle' });
});

test('the time of a connection is named by its setting', async (t) => {
  const clock = new FakeClock();
  // It accepts, but never answers the greeting of TLS, which is part of making the connection.
  const upstream = await startRawUpstream(() => undefined);
  const gateway = await startGatewayFor(t, {
    clock,
    service: { endpoints: [`https://127.0.0.1:${upstream.port}`], timeouts: { connect: '3s' } },
  });
  t.after(() => upstream.close());
  const client = await openClient(t, gateway);
  client.send(GET);
  await eventually(() => (upstream.connections[0]?.received ?? '') !== '', 'the greeting is there');
  clock.advance(3_500);
  assert.equal(codeOf(await client.untilEnd()), 'GH_UPSTREAM_CONNECT_TIMEOUT');
  const [line] = await gateway.stop();
  assert.deepEqual(line?.['detail'], { timeoutMs: 3_000, setting: 'services.main.timeouts.connect' });
});

test('an attempt that takes too long is followed by one at another endpoint', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [neverAnswer, answerWith(200)], {
    clock,
    service: { timeouts: { attempt: '3s' } },
  });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[0] === 1, 'the request is there');
  clock.advance(3_500);
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 /);
  const line = (await service.gateway.stop()).find(({ target }) => target === '/');
  const [tried] = (line?.['tried'] ?? []) as Record<string, unknown>[];
  assert.equal(tried?.['outcome'], 'GH_UPSTREAM_ATTEMPT_TIMEOUT');
  assert.deepEqual(tried?.['detail'], { timeoutMs: 3_000, setting: 'services.main.timeouts.attempt' });
});

test('a POST whose attempt takes too long is not sent again', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [neverAnswer, answerWith(200)], {
    clock,
    service: { timeouts: { attempt: '3s' } },
  });
  const client = await service.open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  await eventually(() => service.counts[0] === 1, 'the request is there');
  clock.advance(3_500);
  assert.equal(codeOf(await client.untilEnd()), 'GH_UPSTREAM_ATTEMPT_TIMEOUT');
  assert.deepEqual(service.counts, [1, 0]);
});

test('an answer that has begun in the time of its attempt may go on for longer', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [stream], { clock, service: { timeouts: { attempt: '2s' } } });
  const client = await service.open();
  client.send(GET);
  await client.until('\r\n\r\n');
  await advance(clock, 4_000, service.gateway);
  service.upstreams[0]!.connections[0]!.send('1\r\na\r\n0\r\n\r\n');
  assert.match(await client.untilEnd(), /a\r\n0\r\n\r\n$/);
});

test('the time of a request goes on through all attempts, and ends an answer in its middle', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [neverAnswer, stream], {
    clock,
    service: { timeouts: { attempt: '3s', request: '5s' } },
  });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[0] === 1, 'the request is there');
  clock.advance(3_500);
  await client.until('\r\n\r\n');
  clock.advance(2_000);
  assert.doesNotMatch(await client.untilEnd(), /0\r\n\r\n$/);
  const line = (await service.gateway.stop()).find(({ target }) => target === '/');
  assert.equal(line?.['code'], 'GH_UPSTREAM_REQUEST_TIMEOUT');
  assert.equal(line?.['attempts'], 2);
});

test('without a time for requests, an upload and a stream of events may last for as long as they move', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [stream], { clock, service: { timeouts: { firstByte: '2s', idle: '2s' } } });
  const client = await service.open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 60\r\n\r\n');
  await client.until('\r\n\r\n');
  const [connection] = service.upstreams[0]!.connections;
  for (let i = 0; i < 60; i++) {
    client.send('x');
    await eventually(() => connection!.received.endsWith('x'.repeat(i + 1)), 'the upload moves');
    connection!.send('7\r\ndata:x\n\r\n');
    await client.until('x\n\r\n');
    client.take();
    await advance(clock, 1_500, service.gateway);
  }
  connection!.send('0\r\n\r\n');
  await client.until('0\r\n\r\n');
});

test('a tunnel outlasts the time of the request that opened it', async (t) => {
  const clock = new FakeClock();
  const upgrade: Script = ({ send }) =>
    send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  const upstream = await startRawUpstream((connection, chunk) => {
    if (chunk.startsWith('GET')) upgrade(connection, '', 0);
    else connection.send(chunk);
  });
  const gateway = await startGatewayFor(t, {
    clock,
    service: { endpoints: [upstream.url], timeouts: { request: '2s', attempt: '2s' } },
  });
  t.after(() => upstream.close());
  const client = await openClient(t, gateway);
  client.send('GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await client.until('\r\n\r\n');
  await advance(clock, 10_000, gateway);
  client.send('still here');
  await client.until('still here');
  client.close();
  await eventually(() => upstream.connections[0]!.socket.closed, 'the tunnel is closed');
});
