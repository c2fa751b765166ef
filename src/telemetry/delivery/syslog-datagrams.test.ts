import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { SyslogDatagrams } from './syslog-datagrams.ts';
import { SyslogMessages } from './syslog-message.ts';

const HEAD = '2031-05-07T11:13:17.719Z 6 ';

async function startServer(t: TestContext) {
  const datagrams: string[] = [];
  const receiver = createSocket('udp4', (message) => void datagrams.push(message.toString('latin1')));
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve));
  t.after(() => void receiver.close());
  return { datagrams, port: receiver.address().port };
}

function setUp({ host = '127.0.0.1', port = 9 }) {
  const losses: [number, string][] = [];
  let settledCount = 0;
  const lines = new SyslogDatagrams({
    host,
    port,
    messages: new SyslogMessages({ facility: 'local0', app: 'shop', host: 'h', processId: 7 }),
    owner: { onLost: (count, reason) => void losses.push([count, reason]), onSent: () => undefined },
  });
  const add = (...texts: readonly string[]) =>
    lines.add({
      bytes: Buffer.from(texts.map((text) => `${HEAD}${text}\n`).join('')),
      settle: () => {
        settledCount += 1;
      },
    });
  return { lines, losses, add, countSettled: () => settledCount };
}

test('each line is a datagram, as long as receivers take it', async (t) => {
  const server = await startServer(t);
  const { lines, losses, add } = setUp(server);
  add('one', 'x'.repeat(9_000));
  await lines.finish();
  await eventually(() => server.datagrams.length === 2, 'both are there');
  assert.equal(server.datagrams[0], '<134>1 2031-05-07T11:13:17.719Z h shop 7 access - one');
  assert.equal(server.datagrams[1]!.length, 8 * 1024);
  assert.deepEqual(losses, []);
});

test('it is told why an address cannot be sent to', async () => {
  const { lines, losses, add } = setUp({ host: '255.255.255.255' });
  add('one', 'two');
  await lines.finish();
  assert.deepEqual(losses, [[2, 'EACCES']]);
});

test('aborted, the rest of what is being sent is lost', async (t) => {
  const { lines, losses, add, countSettled } = setUp(await startServer(t));
  add('one', 'two', 'three');
  add('four');
  const finished = lines.finish();
  lines.abort();
  await finished;
  assert.deepEqual(losses, [
    [1, 'there was no more time'],
    [2, 'there was no more time'],
  ]);
  assert.equal(countSettled(), 2);
});
