import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { SyslogUrl } from '#schema/syslog-url.ts';
import { certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { HandRunTimers } from '#test/support/hand-run-timers.ts';
import { type SyslogServer, startSyslogServer } from '#test/support/log-collector.ts';
import { parseSyslog } from '#test/support/syslog-parser.ts';
import { SyslogMessages } from './syslog-message.ts';
import { SyslogStream } from './syslog-stream.ts';

const HEAD = '2026-11-27T06:39:27.123Z 6 ';
/** Nothing goes out from here by itself, so nobody takes the port of one that is away. */
const HOST = '127.0.1.9';
/** This one stands in the certificate. */
const NAMED_HOST = '127.0.0.1';
const CONNECT_MS = 10_000;
/** More than a system takes for a server that reads nothing. */
const UNREAD_LENGTH = 24 * 1024 * 1024;

function setUp(t: TestContext, server: Exclude<SyslogUrl, { transport: 'udp' }>, ca?: string) {
  const later = new HandRunTimers();
  const losses: { lines: number; reason: string }[] = [];
  let settled = 0;
  const origin = { facility: 'local0', app: 'gatehouse', host: 'h', processId: 1, messageId: 'access' } as const;
  const lines = new SyslogStream({
    server,
    ca,
    messages: new SyslogMessages({ ...origin, isNumbered: false, lengthMax: undefined, onCut: () => undefined }),
    owner: { onLost: (count, reason) => void losses.push({ lines: count, reason }), onSent: () => undefined },
    later: later.add,
  });
  t.after(async () => {
    const finished = lines.finish();
    lines.abort();
    await finished;
  });
  const add = (...texts: string[]) =>
    lines.add({
      bytes: Buffer.from(texts.map((text) => `${HEAD}${text}\n`).join('')),
      settle: () => {
        settled += 1;
      },
    });
  return { lines, later, losses, add, countSettled: () => settled };
}

const tcp = (port: number) => ({ transport: 'tcp', host: HOST, port }) as const;
const listTexts = ({ messages }: SyslogServer) => messages.map((message) => parseSyslog(message).text);

async function end({ server, sockets }: SyslogServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}

test('messages have their length before them, however long they are', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  const { add, losses, countSettled } = setUp(t, tcp(server.port));
  const texts = ['1', 'x'.repeat(64 * 1024), 'x'.repeat(300_000), '2'];
  add(...texts);
  await eventually(() => server.messages.length === 4, 'all are there');
  assert.deepEqual(listTexts(server), texts);
  await eventually(() => countSettled() === 1, 'they wait no more');
  assert.deepEqual(losses, []);
});

test('a server that is away is tried again after pauses that grow up to half a minute, and gets all lines', async (t) => {
  const first = await startSyslogServer(t, { host: HOST });
  const { port } = first;
  await end(first);
  const { add, later, losses } = setUp(t, tcp(port));
  add('1');
  for (const pauseMs of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000]) {
    await eventually(() => later.has(pauseMs), `there is a pause of ${pauseMs} ms`);
    assert.deepEqual(losses.at(-1), { lines: 0, reason: 'ECONNREFUSED' });
    later.run(pauseMs);
  }
  await eventually(() => later.has(30_000), 'it does not become longer');
  add('2');
  const second = await startSyslogServer(t, { host: HOST, port });
  later.run(30_000);
  await eventually(() => second.messages.length === 2, 'both are there');
  assert.deepEqual(listTexts(second), ['1', '2']);
  await end(second);
  await eventually(() => later.has(250), 'the pause is short again');
});

test('of a server that reads nothing, no more lines wait than may, and those that came first arrive when it reads again', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  server.isPaused = true;
  const { add, losses } = setUp(t, tcp(server.port));
  const filling = 'x'.repeat(limits.accessLogPendingBytesMax / 2);
  let added = 0;
  while (losses.length === 0) add(`${added++} ${filling}`);
  assert.deepEqual(losses, [{ lines: 1, reason: 'more lines wait than there is room for' }]);
  assert.ok(added > limits.accessLogWaitingBytesMax / filling.length - 1, `${added}`);
  await eventually(() => server.sockets.size === 1, 'it is connected');
  for (const socket of server.sockets) socket.resume();
  await eventually(() => server.messages.length === added - 1, 'all others are there');
  const numbers = listTexts(server).map((text) => Number(text.split(' ')[0]));
  assert.deepEqual(numbers, [...numbers.keys()]);
});

test('a server that accepts and does not speak TLS is given up after ten seconds', async (t) => {
  const mute = createServer((socket) => void socket.on('error', () => undefined).resume());
  const port = await listen(t, mute);
  const { add, later, losses } = setUp(t, { transport: 'tls', host: HOST, port });
  add('1');
  await eventually(() => later.has(CONNECT_MS), 'it is being connected');
  later.run(CONNECT_MS);
  await eventually(() => later.has(250), 'there is a pause');
  assert.deepEqual(losses, [{ lines: 0, reason: 'no connection within 10000 ms' }]);
});

test('a TLS server is known by its name or by its address', async (t) => {
  const server = await startSyslogServer(t, { tls: certificates.localhost });
  for (const host of ['localhost', NAMED_HOST]) {
    const { add, losses } = setUp(t, { transport: 'tls', host, port: server.port }, certificates.authority.toString());
    add(host);
    await eventually(() => listTexts(server).includes(host) || losses.length > 0, 'it is there');
    assert.deepEqual(losses, []);
  }
});

test('at the end a server that is away is tried once, and then all is lost', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  await end(server);
  const { add, later, lines, losses, countSettled } = setUp(t, tcp(server.port));
  add('1');
  await eventually(() => later.has(250), 'there is a pause');
  add('2', '3');
  await lines.finish();
  assert.deepEqual(losses.at(-1), { lines: 3, reason: 'ECONNREFUSED' });
  assert.equal(countSettled(), 2);
  assert.deepEqual(later.waiting, []);
});

test('what is being written when all is given up is lost with what waits, once', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  server.isPaused = true;
  const { add, lines, losses, countSettled } = setUp(t, tcp(server.port));
  const filling = 'x'.repeat(limits.accessLogPendingBytesMax / 2);
  for (const text of ['1', '2', '3']) add(`${text} ${filling}`);
  await eventually(() => server.sockets.size === 1, 'it is connected');
  const finished = lines.finish();
  lines.abort();
  await finished;
  assert.equal(
    losses.reduce((sum, { lines: lost }) => sum + lost, 0),
    3,
  );
  assert.equal(countSettled(), 3);
});

test('what was not yet sent when a connection broke is sent over the next one', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  server.isPaused = true;
  const { add, later, lines, losses, countSettled } = setUp(t, tcp(server.port));
  add('x'.repeat(UNREAD_LENGTH));
  for (const text of ['1', '2', '3']) add(text);
  await eventually(() => server.sockets.size === 1, 'it is connected');
  server.isPaused = false;
  for (const socket of server.sockets) socket.destroy();
  await eventually(() => later.has(250) && countSettled() === 1, 'it waits before it connects again');
  later.run(250);
  await eventually(() => server.messages.length === 3, 'the rest is there');
  await lines.finish();
  assert.deepEqual(losses, [{ lines: 1, reason: 'the connection broke while they were sent' }]);
});

test('given up, nobody waits for a server whose connection broke while there was more to send', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  server.isPaused = true;
  const { add, later, lines, losses, countSettled } = setUp(t, tcp(server.port));
  add('x'.repeat(UNREAD_LENGTH));
  add('more');
  await eventually(() => server.sockets.size === 1, 'it is connected');
  const finished = lines.finish();
  for (const socket of server.sockets) socket.destroy();
  await eventually(() => later.has(250) && countSettled() === 1, 'it waits before it connects again');
  lines.abort();
  await finished;
  assert.deepEqual(losses.at(-1), { lines: 1, reason: 'there was no more time' });
  assert.deepEqual(later.waiting, []);
});

test('a line that comes while others are made into messages follows them, and waits no longer than they do', async (t) => {
  const server = await startSyslogServer(t, { host: HOST });
  let settled = 0;
  const add = (text: string) => lines.add({ bytes: Buffer.from(`${HEAD}${text}\n`), settle: () => void settled++ });
  const origin = { facility: 'local0', app: 'gatehouse', host: 'h', processId: 1, messageId: 'event' } as const;
  const lines: SyslogStream = new SyslogStream({
    server: tcp(server.port),
    messages: new SyslogMessages({ ...origin, isNumbered: true, lengthMax: 500, onCut: () => add('one was cut') }),
    owner: { onLost: () => undefined, onSent: () => undefined },
    later: new HandRunTimers().add,
  });
  add('x'.repeat(1_000));
  await eventually(() => server.messages.length === 2, 'both are there');
  assert.match(server.messages[0]!, /sequenceId="1"\] x+\[cut\]$/);
  assert.match(server.messages[1]!, /sequenceId="2"\] one was cut$/);
  await lines.finish();
  assert.equal(settled, 2);
});

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  t.after(() => void server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
