/** The access log on its way to brokers of Kafka that refuse, are silent, break connections, or want to know who sends. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ThreadedKafkaSender } from '#runtime/kafka-sender.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { KafkaBroker } from '#test/support/kafka-broker.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

/** Requests before lines are shorter. */
const LONG_READ_BYTES = 4_096;
/** 16 MiB. */
const MORE_LINES_THAN_WAIT_IN_THE_SYSTEM = 16 * 1024;

type Targets = Extract<NonNullable<GatewayInput['accessLog']>, object>['to'];

const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } };
const user = { username: 'gate', password: 'hunter2-of-kafka' };

async function start(t: TestContext, kafka: object, more: Partial<GatewayInput> = {}): Promise<TestGateway> {
  const to = { kafka: { topic: 'logs', compression: 'none', ...kafka } } as Extract<Targets, { kafka: unknown }>;
  const accessLog = { fields: ['target'], ...(more.accessLog as object), to, flushEvery: '10ms' };
  const gateway = await startTestGateway({ routes, shutdown: { deadline: '2s' }, ...more, accessLog });
  t.after(() => gateway.stop());
  return gateway;
}

/** Why lines could not be sent, each reason once. */
function listReasons({ events }: TestGateway): unknown[] {
  const told = events.filter(({ message }) => message === 'access log cannot be sent');
  return [...new Set(told.map(({ fields }) => fields?.['reason']))];
}

async function expectReason(gateway: TestGateway, reason: string | RegExp): Promise<void> {
  await ask(gateway.port(), '/refused');
  await eventually(() => listReasons(gateway).length > 0, 'it is told of');
  assert.match(String(listReasons(gateway)[0]), reason instanceof RegExp ? reason : new RegExp(`^${reason}$`));
}

for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
  test(`the gateway logs in with ${mechanism}, over TLS, at a broker that its authority vouches for`, async (t) => {
    const broker = await KafkaBroker.start(t, { user, tls: certificates.localhost });
    const tls = { ca: certificatePaths.authority };
    const gateway = await start(t, { brokers: [broker.address], tls, sasl: { mechanism, ...user } });
    await ask(gateway.port(), '/one');
    await eventually(() => broker.messages.length === 1, 'the message is there');
    assert.deepEqual(broker.messages, ['{"target":"/one"}']);
    assert.deepEqual(gateway.events, []);
  });

  test(`a wrong password for ${mechanism} is told of, and not shown`, async (t) => {
    const broker = await KafkaBroker.start(t, { user });
    const kafka = { brokers: [broker.address], sasl: { mechanism, ...user, password: 'wrong-password' } };
    const gateway = await start(t, kafka);
    await expectReason(gateway, 'SASL_AUTHENTICATION_FAILED');
    assert.ok(!JSON.stringify(gateway.events).includes('password'));
  });
}

test('a broker that shows its certificate for others is not trusted', async (t) => {
  const broker = await KafkaBroker.start(t, { tls: certificates.localhost });
  const gateway = await start(t, { brokers: [broker.address], tls: { ca: certificatePaths.otherAuthority } });
  await expectReason(gateway, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.deepEqual(broker.messages, []);
});

test('each broker is asked for by its name, unless that is an address, or the configuration has one for all', async (t) => {
  const tls = { ca: certificatePaths.authority };
  for (const [advertised, own, serverNames] of [
    ['localhost', {}, ['localhost']],
    ['127.0.0.1', {}, ['localhost', false]],
    ['127.0.0.1', { serverName: 'localhost' }, ['localhost', 'localhost']],
  ] as const) {
    const broker = await KafkaBroker.start(t, { tls: certificates.localhost, advertised });
    const gateway = await start(t, { brokers: [broker.address], tls: { ...tls, ...own } });
    await ask(gateway.port(), '/one');
    await eventually(() => broker.messages.length === 1, 'the message is there');
    assert.deepEqual(broker.serverNames, serverNames);
  }
});

test('brokers may ask for a certificate', async (t) => {
  // Whether it is one for clients is of no matter here.
  const broker = await KafkaBroker.start(t, { tls: { ...certificates.localhost, requestCert: true, rejectUnauthorized: false } });
  const certificate = { cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey };
  const gateway = await start(t, { brokers: [broker.address], tls: { ca: certificatePaths.authority, certificate } });
  await ask(gateway.port(), '/one');
  await eventually(() => broker.messages.length === 1, 'the message is there');
});

test('lines for a topic that is not there wait until it is', async (t) => {
  const broker = await KafkaBroker.start(t, { topics: [] });
  const gateway = await start(t, { brokers: [broker.address] });
  await expectReason(gateway, 'Unknown topic logs\\.');
  broker.topics.add('logs');
  await eventually(() => broker.messages.length === 1, 'the message is there');
});

test('a batch that brokers refuse for good is lost, and counted', async (t) => {
  const broker = await KafkaBroker.start(t, { refusal: 10 });
  const gateway = await start(t, { brokers: [broker.address] });
  await expectReason(gateway, 'MESSAGE_TOO_LARGE');
  const told = gateway.events.find(({ message }) => message === 'access log cannot be sent');
  assert.deepEqual(told?.fields, { to: 'kafka', reason: 'MESSAGE_TOO_LARGE', lines: 1 });
});

const rude = {
  'closes each connection': (socket) => void socket.once('data', () => socket.end()),
  'resets each connection': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'speaks something else': (socket) => void socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'says that a message has a length below zero': (socket) =>
    void socket.once('data', () => socket.write(Buffer.from('fffffff000000001', 'hex'))),
  'says that a message is empty': (socket) =>
    void socket.once('data', () => socket.write(Buffer.from('0000000000000001', 'hex'))),
} satisfies Record<string, NonNullable<Parameters<typeof KafkaBroker.start>[1]>['onConnection']>;

for (const [what, onConnection] of Object.entries(rude))
  for (const sasl of [undefined, { mechanism: 'plain', ...user }])
    test(`a broker that ${what} is told of, and tried again (${sasl === undefined ? 'no login' : 'login'})`, async (t) => {
      const broker = await KafkaBroker.start(t, { onConnection });
      const gateway = await start(t, { brokers: [broker.address], timeout: '200ms', sasl });
      await expectReason(gateway, /./);
      const { connections } = broker;
      await eventually(() => broker.connections > connections, 'it is tried again');
      assert.equal((await ask(gateway.port(), '/other')).status, 200);
    });

test('brokers that never answer slow no request down, lines without room are counted, and the gateway stops in time', async (t) => {
  const broker = await KafkaBroker.start(t, { onConnection: (socket) => void socket.resume() });
  const accessLog = { fields: ['target', { filling: 'x'.repeat(60_000) }] };
  const more = { accessLog, shutdown: { deadline: '0s' } };
  const gateway = await start(t, { brokers: [broker.address], timeout: '1m' }, more);
  // 60 kB each: after 140 of them the thread has handed over as much as may wait.
  for (let i = 0; i < 200; i++) assert.equal((await ask(gateway.port(), `/${i}`)).status, 200);
  await eventually(
    () => gateway.events.some(({ message }) => message === 'access log lines dropped'),
    'dropped lines are told of',
  );
  await gateway.control.drain();
  const lost = gateway.events.filter(({ message }) => message === 'access log cannot be sent').at(-1);
  assert.equal(lost?.fields?.['reason'], 'there was no more time');
});

test('a broker that never answers is given up in time', async (t) => {
  const broker = await KafkaBroker.start(t, { onConnection: (socket) => void socket.resume() });
  const gateway = await start(t, { brokers: [broker.address], timeout: '150ms' });
  await expectReason(gateway, /^(?:no answer within 150 ms|Request timed out)$/);
});

test('lines that want no acknowledgement have left before the thread ends, however slow the broker is', async (t) => {
  let held: Socket | undefined;
  const broker = await KafkaBroker.start(t, {
    onRead(socket, bytes) {
      if (held !== undefined || bytes < LONG_READ_BYTES) return;
      held = socket;
      socket.pause();
    },
  });
  const [host, port] = broker.address.split(':') as [string, string];
  const sender = new ThreadedKafkaSender({
    brokers: [{ host, port: Number(port) }],
    topic: 'logs',
    acks: 'none',
    compression: 'none',
    timeoutMs: 30_000,
    tls: undefined,
    serverName: undefined,
    sasl: undefined,
  });
  t.after(() => sender.close());
  const line = `${'x'.repeat(1_023)}\n`;
  assert.deepEqual(await sender.send(new Uint8Array(Buffer.from(line.repeat(MORE_LINES_THAN_WAIT_IN_THE_SYSTEM)))), {
    kind: 'sent',
  });
  const ended = sender.finish();
  await eventually(() => held !== undefined, 'the broker reads no further');
  assert.equal(broker.messages.length, 0);
  held!.resume();
  await ended;
  await eventually(() => broker.messages.length === MORE_LINES_THAN_WAIT_IN_THE_SYSTEM, 'all are there');
});
