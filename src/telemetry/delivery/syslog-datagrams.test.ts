import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { HandRunTimers } from '#test/support/hand-run-timers.ts';
import { parseSyslog } from '#test/support/syslog-parser.ts';
import { SyslogDatagrams } from './syslog-datagrams.ts';
import { SyslogMessages } from './syslog-message.ts';

/** Nothing goes out from here by itself, so nobody takes the port of one that is away. */
const HOST = '127.0.1.9';
/** No name server is asked for a part of a name that is so long. */
const NOWHERE = `${'x'.repeat(64)}.invalid`;
const HEAD = '2026-11-27T06:39:27.123Z 6 ';

interface Receiver {
  readonly socket: Socket;
  readonly port: number;
  readonly texts: string[];
}

async function receive(t: TestContext, port = 0): Promise<Receiver> {
  const texts: string[] = [];
  const socket = createSocket('udp4', (message) => void texts.push(parseSyslog(message.latin1Slice()).text));
  socket.bind(port, HOST);
  await once(socket, 'listening');
  let isOpen = true;
  socket.once('close', () => {
    isOpen = false;
  });
  t.after(() => {
    if (isOpen) socket.close();
  });
  return { socket, port: socket.address().port, texts };
}

async function close({ socket }: Receiver): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

function setUp(t: TestContext, { port, host = HOST, lengthMax }: { port: number; host?: string; lengthMax?: number }) {
  const later = new HandRunTimers();
  const losses: { lines: number; reason: string; text: string }[] = [];
  let settled = 0;
  const origin = { facility: 'local0', app: 'gatehouse', host: 'h', processId: 1, messageId: 'access' } as const;
  const lines = new SyslogDatagrams({
    host,
    port,
    messages: new SyslogMessages({ ...origin, isNumbered: false, lengthMax, onCut: () => undefined }),
    owner: {
      onLost: (count, reason, bytes = []) =>
        void losses.push({ lines: count, reason, text: Buffer.concat(bytes).toString().replaceAll(HEAD, '') }),
      onSent: () => undefined,
    },
    later: later.add,
  });
  t.after(async () => {
    const finished = lines.finish();
    lines.abort();
    await finished;
  });
  const add = (...texts: string[]) => {
    const bytes = Buffer.from(texts.map((text) => `${HEAD}${text}\n`).join(''));
    lines.add({
      bytes,
      settle: () => {
        settled += 1;
      },
    });
  };
  return { lines, later, losses, add, countSettled: () => settled };
}

test('each line is a datagram, in the order of lines', async (t) => {
  const receiver = await receive(t);
  const { add, countSettled, losses } = setUp(t, receiver);
  add('1', '2');
  add('3');
  await eventually(() => receiver.texts.length === 3, 'all are there');
  assert.deepEqual(receiver.texts, ['1', '2', '3']);
  await eventually(() => countSettled() === 2, 'they wait no more');
  assert.deepEqual(losses, []);
});

test('a server that is away is left alone for longer and longer, and gets what waited when it is back', async (t) => {
  const first = await receive(t);
  const { add, later, losses } = setUp(t, first);
  add('before');
  await eventually(() => first.texts.length === 1, 'the first is there');
  await close(first);
  // That nobody listens any more is said about the first of these, to the second.
  add('lost', 'kept', 'kept too');
  for (const pauseMs of [250, 500, 1000]) {
    await eventually(() => later.has(pauseMs), `there is a pause of ${pauseMs} ms`);
    assert.deepEqual(losses.at(-1), { lines: 0, reason: 'ECONNREFUSED', text: '' });
    if (pauseMs === 1000) break;
    add(`more after ${pauseMs}`);
    later.run(pauseMs);
  }
  const second = await receive(t, first.port);
  later.run(1000);
  await eventually(() => second.texts.includes('more after 500'), 'the last is there');
  assert.ok(second.texts.length >= 2, second.texts.join());
  assert.equal(
    losses.reduce((sum, { lines }) => sum + lines, 0),
    0,
  );
  add('after', 'after too');
  await eventually(() => second.texts.includes('after too'), 'they go on');
});

test('a name without an address is looked up again after a pause, once for each', async (t) => {
  const { add, later, losses } = setUp(t, { host: NOWHERE, port: 514 });
  add('1', '2', '3');
  await eventually(() => later.has(250), 'there is a pause');
  add('4');
  assert.equal(losses.length, 1);
  assert.match(losses[0]!.reason, /^(ENOTFOUND|EAI_AGAIN)$/);
  later.run(250);
  await eventually(() => later.has(500), 'there is a longer pause');
  assert.equal(losses.length, 2);
});

test('while it is away, no more wait than may, and the last are lost', async (t) => {
  const { add, later, losses, countSettled } = setUp(t, { host: NOWHERE, port: 514 });
  add('first');
  await eventually(() => later.has(250), 'there is a pause');
  const half = 'x'.repeat(limits.accessLogWaitingBytesMax / 2 - HEAD.length - 1);
  add(half);
  add(half);
  add('one too many');
  assert.deepEqual(losses.at(-1), { lines: 1, reason: 'more lines wait than there is room for', text: 'one too many\n' });
  assert.equal(countSettled(), 1);
});

test('a message that the network does not take is lost, and those behind it are not', async (t) => {
  const receiver = await receive(t);
  const { add, losses } = setUp(t, receiver);
  const long = 'x'.repeat(70_000);
  add('1', long, '2');
  await eventually(() => receiver.texts.length === 2, 'the others are there');
  assert.deepEqual(receiver.texts, ['1', '2']);
  assert.deepEqual(losses, [{ lines: 1, reason: 'EMSGSIZE', text: `${long}\n` }]);
});

test('the longest datagram arrives whole', async (t) => {
  const receiver = await receive(t);
  const { add, losses } = setUp(t, { ...receiver, lengthMax: 65_507 });
  add('x'.repeat(70_000));
  await eventually(() => receiver.texts.length === 1, 'it is there');
  assert.match(receiver.texts[0]!, /^x{65000,}\[cut\]$/);
  assert.deepEqual(losses, []);
});

test('at the end there is no pause: what can be sent is, and what cannot is lost', async (t) => {
  const first = await receive(t);
  const { add, later, lines, losses } = setUp(t, first);
  add('before');
  await eventually(() => first.texts.length === 1, 'the first is there');
  await close(first);
  add('lost', 'kept');
  await eventually(() => later.has(250), 'there is a pause');
  const second = await receive(t, first.port);
  await lines.finish();
  await eventually(() => second.texts.length === 1, 'what waited is there');
  assert.deepEqual(second.texts, ['kept']);
  const away = setUp(t, { host: NOWHERE, port: 514 });
  away.add('1', '2');
  await away.lines.finish();
  assert.deepEqual(away.losses.at(-1)?.text, '1\n2\n');
  assert.equal(away.countSettled(), 1);
  assert.deepEqual(away.later.waiting, []);
  assert.ok(losses.every(({ lines: lost }) => lost === 0));
});

test('the refusal of a message that was sent long ago loses nothing at the end', async (t) => {
  const first = await receive(t);
  const { add, lines, countSettled } = setUp(t, first);
  await close(first);
  add('lost');
  await eventually(() => countSettled() === 1, 'it was sent');
  const second = await receive(t, first.port);
  add('last');
  await lines.finish();
  await eventually(() => second.texts.includes('last'), 'the last is there');
});

test('a server that has moved is found after a minute, without a failure', async (t) => {
  const receiver = await receive(t);
  const { add, later } = setUp(t, receiver);
  const peers = new Set<number>();
  receiver.socket.on('message', (_, { port }) => void peers.add(port));
  add('1');
  await eventually(() => receiver.texts.length === 1, 'the first is there');
  later.run(60_000);
  add('2');
  await eventually(() => receiver.texts.length === 2, 'the second is there');
  assert.equal(peers.size, 2);
});

test('it is told why an address cannot be sent to', async (t) => {
  const { add, lines, losses } = setUp(t, { host: '255.255.255.255', port: 9 });
  add('one', 'two');
  await lines.finish();
  assert.deepEqual(losses, [{ lines: 2, reason: 'EACCES', text: 'one\ntwo\n' }]);
});

test('a line that is sent again is the same message, with the number that it had', async (t) => {
  const first = await receive(t);
  await close(first);
  let cut = 0;
  let settled = false;
  const later = new HandRunTimers();
  const origin = { facility: 'local0', app: 'gatehouse', host: 'h', processId: 1, messageId: 'access' } as const;
  const lines = new SyslogDatagrams({
    host: HOST,
    port: first.port,
    messages: new SyslogMessages({ ...origin, isNumbered: true, lengthMax: 500, onCut: () => void cut++ }),
    owner: { onLost: () => undefined, onSent: () => undefined },
    later: later.add,
  });
  const settle = () => {
    settled = true;
  };
  lines.add({ bytes: Buffer.from(`${HEAD}${'x'.repeat(1_000)}\n`.repeat(3)), settle });
  // That nobody listens is said of each to the one behind it.
  for (const pauseMs of [250, 500]) {
    await eventually(() => later.has(pauseMs), `there is a pause of ${pauseMs} ms`);
    later.run(pauseMs);
  }
  await eventually(() => settled, 'all were sent');
  assert.equal(cut, 3);
  const finished = lines.finish();
  lines.abort();
  await finished;
});
