// A second attempt beside one that is slow: when it starts, whose answer counts, and what becomes of the other one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance } from '#test/support/forwarding.ts';
import {
  answerWith,
  codeOf,
  GET,
  neverAnswer,
  reset,
  type Script,
  startScriptedService,
} from '#test/support/scripted-service.ts';

const PAUSE_MS = 5;
const hedge = { after: `${PAUSE_MS}ms` } as const;

test('the faster one answers, and the slow one is left at once', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, answerWith(200, 'fast')], { service: { hedge } });
  assert.match(await service.ask(), /^HTTP\/1.1 200 .*fast$/s);
  await eventually(() => service.upstreams[0]!.connections[0]!.socket.closed, 'the slow one is left');
  const line = await service.lastLine();
  assert.equal(line['attempts'], 2);
  assert.equal(line['endpoint'], service.upstreams[1]!.url);
  const [tried] = line['tried'] as Record<string, unknown>[];
  assert.deepEqual([tried?.['endpoint'], tried?.['outcome']], [service.upstreams[0]!.url, 'slower']);
});

test('the first one answers when it is faster after all', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, neverAnswer], { service: { hedge } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[1] === 1, 'both are asked');
  answerWith(200, 'first')(service.upstreams[0]!.connections[0]!, '', 0);
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 .*first$/s);
  await eventually(() => service.upstreams[1]!.connections[0]!.socket.closed, 'the second one is left');
  const line = await service.lastLine();
  assert.equal(line['endpoint'], service.upstreams[0]!.url);
});

test('an answer in time has no second attempt beside it', async (t) => {
  const service = await startScriptedService(t, [answerWith(200), answerWith(200)], { service: { hedge: { after: '1m' } } });
  await service.ask();
  assert.deepEqual(service.counts, [1, 0]);
});

const alone: { name: string; request: string }[] = [
  { name: 'a POST', request: 'POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n' },
  { name: 'a DELETE', request: 'DELETE / HTTP/1.1\r\nhost: shop\r\n\r\n' },
  { name: 'a GET that has a body', request: 'GET / HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\nhi' },
  { name: 'a WebSocket', request: 'GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n' },
];

for (const { name, request } of alone) {
  test(`${name} is not hedged, while a GET beside it is`, async (t) => {
    const service = await startScriptedService(t, [neverAnswer, neverAnswer, neverAnswer], { service: { hedge } });
    const client = await service.open();
    client.send(request);
    await eventually(() => service.counts[0] === 1, 'the request is there');
    const other = await service.open();
    other.send(GET.replace('connection: close\r\n', ''));
    // The GET came later, and its second attempt is there.
    await eventually(() => service.counts[1] === 1 && service.counts[2] === 1, 'the GET is hedged');
    assert.equal(service.counts[0], 1);
  });
}

test('there are as many attempts beside the first one as the settings say, each at an endpoint of its own', async (t) => {
  const scripts = [neverAnswer, neverAnswer, answerWith(200, 'third'), answerWith(200)];
  const service = await startScriptedService(t, scripts, { service: { hedge: { after: '5ms', max: 2 } } });
  assert.match(await service.ask(), /third$/);
  assert.deepEqual(service.counts, [1, 1, 1, 0]);
});

test('an attempt after a pause has another one beside it like the first, though all endpoints were asked before', async (t) => {
  const scripts = [answerWith(503), answerWith(503), neverAnswer, answerWith(200, 'beside')];
  let asked = 0;
  const next: Script = (connection, head, count) => scripts[asked++]!(connection, head, count);
  const service = await startScriptedService(t, [next, next], {
    service: {
      hedge: { after: '1m' },
      retry: { on: [503], attempts: 3, backoff: { base: '1ms', max: '1ms' } },
    },
  });
  const client = await service.open();
  // Pauses pass, and the first two attempts are never slow, however long they take.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  client.send(GET);
  await eventually(() => {
    t.mock.timers.tick(1);
    return asked === 3;
  }, 'the third attempt is made');
  t.mock.timers.tick(60_000);
  await eventually(() => asked === 4, 'another one is beside it');
  t.mock.timers.reset();
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 .*beside$/s);
  assert.deepEqual(service.counts, [2, 2]);
});

test('with one endpoint there is nobody else to ask', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [neverAnswer], { clock, service: { hedge, timeouts: { request: '2s' } } });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = service.ask();
  await eventually(() => service.counts[0] === 1, 'the request is there');
  t.mock.timers.tick(PAUSE_MS);
  t.mock.timers.reset();
  await advance(clock, 2_500, service.gateway);
  assert.equal(codeOf(await answer), 'GH_UPSTREAM_REQUEST_TIMEOUT');
  assert.deepEqual(service.counts, [1]);
});

test('one that fails leaves the exchange to the other one', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, reset], { service: { hedge, retry: false } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.upstreams[1]!.connections[0]?.socket.closed === true, 'the second one has failed');
  answerWith(200, 'first')(service.upstreams[0]!.connections[0]!, '', 0);
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 .*first$/s);
  assert.equal((await service.lastLine())['endpoint'], service.upstreams[0]!.url);
});

test('the first one may fail and the second one go on', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, neverAnswer], { service: { hedge, retry: false } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[1] === 1, 'both are asked');
  service.upstreams[0]!.connections[0]!.socket.resetAndDestroy();
  await eventually(() => service.upstreams[0]!.connections[0]!.socket.closed, 'the first one has failed');
  answerWith(200, 'second')(service.upstreams[1]!.connections[0]!, '', 0);
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 .*second$/s);
});

test('when both fail, the client hears of the last one', async (t) => {
  const late: Script = ({ socket }) => void setImmediate(() => socket.resetAndDestroy());
  const service = await startScriptedService(t, [neverAnswer, late], { service: { hedge, retry: false } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.upstreams[1]!.connections[0]?.socket.closed === true, 'the second one has failed');
  await service.settle();
  service.upstreams[0]!.connections[0]!.socket.resetAndDestroy();
  assert.equal(codeOf(await client.untilEnd()), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
  assert.equal((await service.lastLine())['endpoint'], service.upstreams[0]!.url);
});

test('an answer that is not wanted waits for the other one', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, answerWith(503, 'no')], {
    service: { hedge, retry: { on: [503] } },
  });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[1] === 1, 'both are asked');
  await eventually(() => service.upstreams[1]!.connections[0]!.socket.bytesWritten > 0, 'the second one has answered');
  answerWith(200, 'first')(service.upstreams[0]!.connections[0]!, '', 0);
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 .*first$/s);
});

test('a client that leaves takes all attempts with it', async (t) => {
  const service = await startScriptedService(t, [neverAnswer, neverAnswer], { service: { hedge } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.counts[1] === 1, 'both are asked');
  client.close();
  await eventually(() => service.upstreams.every(({ connections }) => connections[0]!.socket.closed), 'both are left');
});

test('a second attempt comes out of the budget', async (t) => {
  const clock = new FakeClock();
  const service = await startScriptedService(t, [neverAnswer, answerWith(200)], {
    clock,
    service: { hedge, retry: { budget: { ratio: '0%', minPerSecond: 0 } }, timeouts: { request: '2s' } },
  });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = service.ask();
  await eventually(() => service.counts[0] === 1, 'the request is there');
  t.mock.timers.tick(PAUSE_MS);
  t.mock.timers.reset();
  await advance(clock, 2_500, service.gateway);
  assert.equal(codeOf(await answer), 'GH_UPSTREAM_REQUEST_TIMEOUT');
  assert.deepEqual(service.counts, [1, 0]);
});

test('after a percentile of the times that were seen, and not before any were seen', async (t) => {
  let isStuck = false;
  const first: Script = (connection, head, count) => {
    if (!isStuck) answerWith(200)(connection, head, count);
  };
  const service = await startScriptedService(t, [first, answerWith(200)], {
    service: { hedge: { after: 'p99' }, retry: { budget: { minPerSecond: 100 } } },
  });
  for (let i = 0; i < 60; i++) await service.ask();
  const before = service.counts[0]!;
  isStuck = true;
  for (let i = 0; i < 4; i++) assert.match(await service.ask(), /^HTTP\/1.1 200 /);
  assert.ok(service.counts[0]! >= before + 2, 'some have begun at the endpoint that is stuck');
});
