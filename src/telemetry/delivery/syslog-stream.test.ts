import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { startSyslogServer } from '#test/support/log-collector.ts';
import { SyslogMessages } from './syslog-message.ts';
import { SyslogStream, type SyslogStreamOptions } from './syslog-stream.ts';

const HEAD = '2031-05-07T11:13:17.719Z 6 ';
/** More than a system takes for a server that reads nothing. */
const LONG = 24 * 1024 * 1024;

/** A stream whose waits are in the hands of the test, which never lets one pass. */
function setUp(t: TestContext, server: SyslogStreamOptions['server'], ca?: string) {
  const losses: [number, string][] = [];
  const settled: number[] = [];
  const waits = new Set<() => void>();
  const stream = new SyslogStream({
    server,
    ca,
    messages: new SyslogMessages({ facility: 'local0', app: 'shop', host: 'h', processId: 7 }),
    owner: { onLost: (count, reason) => void losses.push([count, reason]), onSent: () => undefined },
    later: (_delayMs, run) => {
      waits.add(run);
      return () => void waits.delete(run);
    },
  });
  t.after(() => stream.abort());
  const add = (text: string) =>
    stream.add({ bytes: Buffer.from(`${HEAD}${text}\n`), settle: () => void settled.push(text.length) });
  return { stream, add, losses, settled, waits };
}

test('a server that speaks TLS may be named by its address', async (t) => {
  const server = await startSyslogServer(t, { tls: certificates.localhost });
  const { stream, add } = setUp(t, { transport: 'tls', host: '127.0.0.1', port: server.port }, String(certificates.authority));
  add('hello');
  await eventually(() => server.messages.length === 1, 'the message is there');
  await stream.finish();
  assert.match(server.messages[0]!, / h shop 7 access - hello$/);
});

test('what was not yet sent when a connection broke is sent over the next one', async (t) => {
  const server = await startSyslogServer(t);
  server.isPaused = true;
  const { stream, add, losses, settled, waits } = setUp(t, { transport: 'tcp', host: '127.0.0.1', port: server.port });
  add('x'.repeat(LONG));
  for (let i = 0; i < 3; i++) add('more');
  await eventually(() => server.sockets.size === 1, 'it is connected');
  server.isPaused = false;
  for (const socket of server.sockets) socket.destroy();
  await eventually(() => waits.size === 1 && settled.length === 1, 'it waits before it connects again');
  for (const run of waits) run();
  await eventually(() => server.messages.length === 3, 'the rest is there');
  await stream.finish();
  assert.deepEqual(losses, [[1, 'the connection broke while they were sent']]);
});

test('aborting ends the wait for a server whose connection broke while there was more to send', async (t) => {
  const server = await startSyslogServer(t);
  server.isPaused = true;
  const { stream, add, losses, settled, waits } = setUp(t, { transport: 'tcp', host: '127.0.0.1', port: server.port });
  add('x'.repeat(LONG));
  add('more');
  await eventually(() => server.sockets.size === 1, 'it is connected');
  const finished = stream.finish();
  for (const socket of server.sockets) socket.destroy();
  await eventually(() => waits.size === 1 && settled.length === 1, 'it waits before it connects again');
  stream.abort();
  await finished;
  assert.deepEqual(losses.at(-1), [1, 'there was no more time']);
  assert.equal(waits.size, 0);
});
