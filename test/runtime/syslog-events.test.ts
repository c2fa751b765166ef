/** The error log on its way to a syslog server: what arrives, and where events are that cannot. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, toFileText } from '#test/support/gatehouse-process.ts';
import { type SyslogServer, startSyslogServer } from '#test/support/log-collector.ts';
import { parseSyslog } from '#test/support/syslog-parser.ts';

/** Nothing goes out from here by itself, so nobody takes the port of one that is away. */
const HOST = '127.0.1.11';
const PATIENCE_MS = 60_000;
const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } };

const listEvents = ({ messages }: SyslogServer) =>
  messages.map((message) => {
    const { text, ...rest } = parseSyslog(message);
    return { ...rest, event: JSON.parse(text) as Record<string, unknown> };
  });
const countEvents = (server: SyslogServer, message: string) =>
  listEvents(server).filter(({ event }) => event['message'] === message).length;
const untilSo = (condition: () => boolean, what: string) => eventually(condition, what, PATIENCE_MS);

function toConfiguration({ port }: Pick<SyslogServer, 'port'>, more: Partial<GatewayInput> = {}): Partial<GatewayInput> {
  return { routes, log: { to: { syslog: `tcp://${HOST}:${port}` } }, ...more };
}

async function startServer(t: TestContext, port = 0): Promise<SyslogServer> {
  return startSyslogServer(t, { host: HOST, port });
}

async function findPortOfNobody(t: TestContext): Promise<number> {
  const { port, server } = await startServer(t);
  server.close();
  await once(server, 'close');
  return port;
}

async function reload(gatehouse: GatehouseProcess, configuration: Partial<GatewayInput>): Promise<void> {
  await gatehouse.whileHalted(async () => {
    await writeFile(gatehouse.file, toFileText(configuration));
    gatehouse.signal('SIGHUP');
  });
}

/** Adds a listener, which is printed when the configuration with it was applied. */
const withMarker: Partial<GatewayInput> = {
  listeners: { web: { address: '127.0.0.1:0' }, marker: { address: '127.0.0.1:0' } },
};

test('events of all threads are messages, each a line of ASCII', async (t) => {
  const server = await startServer(t);
  const to = { syslog: `tcp://${HOST}:${server.port}`, facility: 'daemon', app: 'edge' } as const;
  const accessLog = { to: { file: '/dev/full' }, flushEvery: '10ms' } as const;
  const gatehouse = await GatehouseProcess.start(t, { routes, accessLog, threads: 2, log: { to } });
  const threads = () => new Set(listEvents(server).map(({ event }) => event['thread']));
  await untilSo(() => {
    void ask(gatehouse.port(), '/').catch(() => undefined);
    return threads().size === 2;
  }, 'both threads have spoken');
  for (const { event, ...message } of listEvents(server)) {
    const { time, host: _, ...rest } = message;
    const facts = { facility: 3, app: 'edge', processId: String(gatehouse.child.pid), messageId: 'event', data: {} };
    assert.deepEqual(rest, { ...facts, severity: 3 });
    assert.equal(event['message'], 'access log cannot be written');
    assert.equal(event['time'], time);
  }
  await reload(gatehouse, { routes: { 'ü\u2028': { match: { path: '/ü' }, to: 'nowhere' } } });
  await untilSo(() => countEvents(server, 'configuration refused') > 0, 'the refusal is there');
  const refused = listEvents(server).find(({ event }) => event['message'] === 'configuration refused');
  assert.match(JSON.stringify(refused?.event), /ü/);
  assert.equal(gatehouse.stderr, '');
});

test('events may be written for people, and the level holds', async (t) => {
  const server = await startServer(t);
  const to = { syslog: `tcp://${HOST}:${server.port}` };
  const accessLog = { to: { file: '/dev/full' }, flushEvery: '10ms' } as const;
  const gatehouse = await GatehouseProcess.start(t, { routes, accessLog, log: { to, format: 'text', level: 'error' } });
  gatehouse.signal('SIGHUP');
  await ask(gatehouse.port(), '/');
  await untilSo(() => server.messages.length > 0, 'it is there');
  const { text, severity } = parseSyslog(server.messages[0]!);
  assert.equal(severity, 3);
  assert.match(text, /^\d{4}\S* \S+ ERROR access log cannot be written +error="ENOSPC: /);
});

test('a reload takes events from one server to another, and to the standard error', async (t) => {
  const [one, other] = [await startServer(t), await startServer(t)];
  const gatehouse = await GatehouseProcess.start(t, toConfiguration(one));
  gatehouse.signal('SIGHUP');
  await untilSo(() => countEvents(one, 'configuration applied') === 1, 'the first has the first');
  await reload(gatehouse, toConfiguration(other));
  await untilSo(() => countEvents(other, 'configuration applied') === 1, 'the other has the second');
  await reload(gatehouse, { routes });
  await gatehouse.nextEvent('configuration applied');
  assert.deepEqual([one.messages.length, other.messages.length, gatehouse.events.length], [1, 1, 1]);
});

test('events wait for a server that is away, and arrive when it is there', async (t) => {
  const port = await findPortOfNobody(t);
  const gatehouse = await GatehouseProcess.start(t, toConfiguration({ port }));
  await reload(gatehouse, toConfiguration({ port }, withMarker));
  await gatehouse.untilListening('marker');
  const told = await gatehouse.nextEvent('log cannot be sent');
  assert.deepEqual([told['to'], told['reason'], told['events'], told.level], ['syslog', 'ECONNREFUSED', 0, 'error']);
  const server = await startServer(t, port);
  await untilSo(() => countEvents(server, 'configuration applied') === 1, 'the event is there');
  gatehouse.signal('SIGTERM');
  assert.equal((await gatehouse.ended).exitCode, 0);
  assert.equal(gatehouse.events.length, 1);
});

test('what cannot be sent before the end stands on the standard error, also where the end comes at once', async (t) => {
  const port = await findPortOfNobody(t);
  for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGTERM']] as const) {
    const delay = signals.length === 1 ? '0s' : '10m';
    const configuration = toConfiguration({ port }, { shutdown: { delay } });
    const gatehouse = await GatehouseProcess.start(t, configuration);
    await reload(gatehouse, { ...configuration, ...withMarker });
    await gatehouse.untilListening('marker');
    await gatehouse.nextEvent('log cannot be sent');
    assert.equal(gatehouse.events.length, 1);
    for (const signal of signals) gatehouse.signal(signal);
    // One signal may stand for both.
    if (signals.length === 2) {
      const again = setInterval(() => gatehouse.signal('SIGTERM'), 20);
      await gatehouse.ended;
      clearInterval(again);
    }
    assert.equal((await gatehouse.ended).exitCode, signals.length === 1 ? 0 : 130);
    const applied = gatehouse.events.filter(({ message }) => message === 'configuration applied');
    assert.deepEqual([applied.length, applied[0]?.level], [1, 'info']);
  }
});

test('what was lost and what was cut is counted', async (t) => {
  const port = await findPortOfNobody(t);
  const server = await startServer(t);
  const admin = { admin: { address: '127.0.0.1:0' } };
  const accessLog = { to: { syslog: `tcp://${HOST}:${server.port}`, maxMessage: '480B' }, flushEvery: '10ms' } as const;
  const gatehouse = await GatehouseProcess.start(t, toConfiguration({ port }, { ...admin, accessLog }));
  await ask(gatehouse.port(), `/${'x'.repeat(2000)}`);
  await untilSo(() => server.messages.length === 1, 'the message is there');
  assert.match(parseSyslog(server.messages[0]!).text.slice(-50), /^x+\[cut\]$/);
  assert.equal(server.messages[0]!.length, 480);
  // What waits for the first server cannot be sent before the reload is done with it.
  await reload(gatehouse, { routes, accessLog, ...admin });
  await gatehouse.nextEvent('syslog messages are cut');
  const metrics = await ask(await gatehouse.untilListening('admin'), '/metrics');
  assert.match(metrics.body, /^gatehouse_syslog_messages_cut_total\{log="access"\} 1$/m);
  assert.match(metrics.body, /^gatehouse_log_events_unsent_total\{to="syslog"\} 1$/m);
});
