/** Both logs on their way to the syslog server of most Linux systems, which writes what it has understood of them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { needs } from '#test/support/programs.ts';
import { RsyslogServer } from '#test/support/rsyslog-server.ts';

const installed = needs('rsyslogd');
const routes: GatewayInput['routes'] = {
  all: { match: { path: '/*' }, to: { respond: { text: 'here' } } },
  bad: { match: { path: '/bad' }, to: { respond: { status: 503, text: 'no' } } },
};
const INFO_OF_LOCAL5 = '174';
const ERROR_OF_LOCAL5 = '171';

function start(t: TestContext, more: Partial<GatewayInput>): Promise<GatehouseProcess> {
  return GatehouseProcess.start(t, { routes, ...more });
}

for (const transport of ['udp', 'tcp'] as const)
  test(`rsyslog understands both logs over ${transport}`, installed, async (t) => {
    const server = await RsyslogServer.start(t);
    const to = { syslog: server.addresses[transport], facility: 'local5', app: 'shop', sequence: true } as const;
    const gatehouse = await start(t, { accessLog: { to, flushEvery: '10ms' }, log: { to } });
    const hard = '/"quoted]\\%0a%00%C3%BC\u007f';
    await ask(gatehouse.port(), '/good');
    await ask(gatehouse.port(), '/bad');
    await ask(gatehouse.port(), encodeURI(hard));
    const lines = await server.readUntil(3, ({ messageId }) => messageId === 'access');
    const [good, bad] = lines;
    const { text, time, host, processId, ...rest } = good!;
    const facts = { app: 'shop', messageId: 'access', data: '[meta sequenceId="1"]', version: '1', input: transport };
    assert.deepEqual(rest, { ...facts, priority: INFO_OF_LOCAL5 });
    assert.equal(processId, String(gatehouse.child.pid));
    assert.notEqual(host, '');
    const line = JSON.parse(text);
    assert.deepEqual([line.target, line.status, Date.parse(line.time)], ['/good', 200, Date.parse(time)]);
    assert.equal(bad!.priority, ERROR_OF_LOCAL5);
    assert.equal(bad!.data, '[meta sequenceId="2"]');
    assert.ok(lines.every((message) => JSON.parse(message.text).method === 'GET'));
    gatehouse.signal('SIGHUP');
    const [event] = await server.readUntil(1, ({ messageId, text }) => messageId === 'event' && text.includes('applied'));
    assert.equal(event!.priority, INFO_OF_LOCAL5);
    assert.equal(JSON.parse(event!.text).message, 'configuration applied');
    assert.equal(gatehouse.stderr, '');
  });

test('rsyslog takes a line of 64 kB whole over TCP, and one that was cut over UDP', installed, async (t) => {
  const server = await RsyslogServer.start(t);
  const { tcp, udp } = server.addresses;
  const filling = 'x'.repeat(64_000);
  const to = [{ syslog: tcp }, { syslog: udp }, { syslog: tcp, maxMessage: '1KiB', app: 'cut' }];
  const gatehouse = await start(t, { accessLog: { to, fields: [{ filling }], flushEvery: '10ms' } });
  await ask(gatehouse.port(), '/');
  const messages = await server.readUntil(3, () => true);
  const find = (input: string, app: string) => messages.find((message) => message.input === input && message.app === app)!;
  assert.ok(find('tcp', 'gatehouse').text === JSON.stringify({ filling }), 'it is whole');
  for (const [message, length] of [
    [find('udp', 'gatehouse'), 8 * 1024],
    [find('tcp', 'cut'), 1024],
  ] as const) {
    const { priority, time, host, app, processId, text } = message;
    assert.equal(`<${priority}>1 ${time} ${host} ${app} ${processId} access - ${text}`.length, length);
    assert.match(text.slice(-50), /^x+\[cut\]$/);
  }
  assert.equal((await gatehouse.nextEvent('syslog messages are cut'))['log'], 'access');
});

test('rsyslog that is started again gets what was logged meanwhile', installed, async (t) => {
  const server = await RsyslogServer.start(t);
  const gatehouse = await start(t, { accessLog: { to: { syslog: server.addresses.tcp }, flushEvery: '10ms' } });
  await ask(gatehouse.port(), '/before');
  await server.readUntil(1, ({ text }) => text.includes('/before'));
  await server.end();
  // What goes to a connection that is just breaking may be lost.
  const isTold = () => gatehouse.events.some(({ message }) => message === 'access log cannot be sent');
  for (let i = 0; !isTold(); i++) await ask(gatehouse.port(), `/breaking-${i}`);
  for (let i = 0; i < 10; i++) await ask(gatehouse.port(), `/meanwhile-${i}`);
  await server.run();
  await server.readUntil(10, ({ text }) => text.includes('/meanwhile'));
});

test('rsyslog takes both logs over TLS', installed, async (t) => {
  const server = await RsyslogServer.start(t);
  const to = { syslog: server.addresses.tls, ca: certificatePaths.authority };
  const gatehouse = await start(t, { accessLog: { to, flushEvery: '10ms' }, log: { to } });
  await ask(gatehouse.port(), '/secret');
  gatehouse.signal('SIGHUP');
  const [line] = await server.readUntil(1, ({ text }) => text.includes('/secret'));
  assert.equal(line!.input, 'tls');
  await server.readUntil(1, ({ input, text }) => input === 'tls' && text.includes('configuration applied'));
});

test('that its own Unix socket takes datagrams is told of, and events go to the standard error', installed, async (t) => {
  const server = await RsyslogServer.start(t);
  const to = { syslog: server.addresses.datagramSocket };
  const gatehouse = await start(t, { accessLog: { to, flushEvery: '10ms' }, log: { to } });
  await ask(gatehouse.port(), '/');
  const told = await gatehouse.nextEvent('log cannot be sent');
  assert.equal(told['reason'], 'the Unix socket takes datagrams, which Node.js cannot send');
  gatehouse.signal('SIGTERM');
  assert.equal((await gatehouse.ended).exitCode, 0);
  const ofAccessLog = gatehouse.events.find(({ message }) => message === 'access log cannot be sent');
  assert.equal(ofAccessLog?.['reason'], told['reason']);
});
