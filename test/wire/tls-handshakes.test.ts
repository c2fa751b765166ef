// Handshakes that end in the middle, never come to their end, or ask for odd hosts: each costs only itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { extension, toRecords, vector, writeHello } from '#test/support/client-hellos.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type Version = 'TLSv1.2' | 'TLSv1.3';
const versions: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];
const localhost = { cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey };

/** Listeners whose first bytes OpenSSL reads, and those that read them before it does. */
const listeners: Readonly<Record<string, object>> = {
  'ends TLS': { certificates: [localhost] },
  'ends TLS or passes it on': { certificates: [localhost], passthrough: { 'bank.test': 'bank' } },
};

interface Bench {
  readonly gateway: TestGateway;
  /** Of a listener that gives little time to a handshake. */
  readonly impatientPort: number;
  /** Nobody but the bystander is connected, who is still answered, and nothing worse than a failed handshake is in the log. */
  untilOnlyBystander(): Promise<void>;
}

async function startBench(t: TestContext, tls: object): Promise<Bench> {
  const gateway = await startTestGateway({
    listeners: {
      web: { address: '127.0.0.1:0', tls: tls as never },
      impatient: { address: '127.0.0.1:0', tls: tls as never, timeouts: { head: '200ms' } },
    },
    services: { bank: { endpoints: ['tcp://127.0.0.1:1'] } },
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'hello' } } } },
  });
  t.after(() => gateway.stop());
  const bystander = await open(t, gateway.port());
  const askBystander = async () => {
    bystander.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    assert.match(String((await once(bystander, 'data'))[0]), /^HTTP\/1\.1 200 /);
  };
  // From now on it has the time of a connection that is kept alive, which is longer than that for a first request.
  await askBystander();
  return {
    gateway,
    impatientPort: gateway.port('impatient'),
    async untilOnlyBystander() {
      await eventually(() => gateway.control.plane?.connectionCount === 1, 'the others are forgotten');
      await askBystander();
      assert.deepEqual(
        gateway.events.filter(({ level, message }) => level !== 'info' && message !== 'TLS handshake failed'),
        [],
      );
    },
  };
}

/** Resolves when the client's side of the handshake is over; rejects when it fails. */
async function open(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const where = { port, host: '127.0.0.1', servername: 'localhost', ca: certificates.authority };
  const socket = connect({ ...where, ...options });
  t.after(() => socket.destroy());
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
  return socket;
}

interface Relay {
  readonly port: number;
  /** The bytes of the client that went through, as they came. */
  readonly chunks: readonly Buffer[];
  /** The connection to the gateway; once `limit` bytes of the client went through, no more do. */
  readonly towardsGateway: Socket;
}

/** Stands between a client and the gateway, for one connection. */
async function startRelay(t: TestContext, gatewayPort: number, limit = Number.POSITIVE_INFINITY): Promise<Relay> {
  const chunks: Buffer[] = [];
  let passed = 0;
  const towardsGateway = connectPlain(gatewayPort, '127.0.0.1').on('error', () => undefined);
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.on('data', (bytes: Buffer) => {
      const part = bytes.subarray(0, Math.max(0, limit - passed));
      passed += part.length;
      chunks.push(part);
      if (part.length > 0) towardsGateway.write(part);
    });
    towardsGateway.on('data', (bytes: Buffer) => client.write(bytes));
    towardsGateway.on('close', () => client.destroy());
    t.after(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    towardsGateway.destroy();
  });
  return { port: (server.address() as AddressInfo).port, chunks, towardsGateway };
}

/** What a client says until the handshake is over: its hello, and then the rest. */
async function recordFlights(t: TestContext, port: number, options: ConnectionOptions): Promise<[Buffer, Buffer]> {
  const relay = await startRelay(t, port);
  await open(t, relay.port, options);
  await eventually(() => relay.chunks.length >= 2, 'both flights have gone through');
  relay.towardsGateway.destroy();
  return [relay.chunks[0]!, Buffer.concat(relay.chunks.slice(1))];
}

/** At the borders of record, message and fields, one byte beside them, in the middle and before the last byte. */
const helloCuts = (length: number) => [0, 1, 4, 5, 6, 9, 10, 11, 43, 44, Math.floor(length / 2), length - 1];

type Leave = (socket: Socket) => void;
const departures: readonly (readonly [string, Leave])[] = [
  ['ends its side', (socket) => socket.end()],
  ['is reset', (socket) => socket.resetAndDestroy()],
];

for (const [listener, tls] of Object.entries(listeners)) {
  for (const version of versions) {
    test(`a client that ${departures.map(([how]) => how).join(' or ')} within its hello is forgotten (${version}, a listener that ${listener})`, async (t) => {
      const bench = await startBench(t, tls);
      const port = bench.gateway.port();
      const [hello] = await recordFlights(t, port, { minVersion: version, maxVersion: version });
      for (const cut of helloCuts(hello.length)) {
        for (const [how, leave] of departures) {
          const client = await RawClient.open(port);
          client.socket.write(hello.subarray(0, cut), () => leave(client.socket));
          await client.untilEnd();
          assert.equal(client.received, '', `cut at ${cut}, ${how}`);
        }
      }
      await bench.untilOnlyBystander();
    });

    test(`a client that leaves after the answer to its hello is forgotten (${version}, a listener that ${listener})`, async (t) => {
      const bench = await startBench(t, tls);
      const port = bench.gateway.port();
      const options = { minVersion: version, maxVersion: version };
      const [hello, rest] = await recordFlights(t, port, options);
      for (const more of [0, 1, 5, 6, 7, Math.floor(rest.length / 2), rest.length - 1]) {
        for (const [how, leave] of departures) {
          const relay = await startRelay(t, port, hello.length + more);
          const where = { port: relay.port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false };
          const socket = connect({ ...where, ...options });
          socket.on('error', () => undefined);
          t.after(() => socket.destroy());
          await eventually(
            () => relay.towardsGateway.bytesRead > 0 && relay.towardsGateway.bytesWritten >= hello.length + more,
            `${more} bytes of the second flight went through, ${how}`,
          );
          leave(relay.towardsGateway);
          await once(relay.towardsGateway, 'close');
        }
      }
      await bench.untilOnlyBystander();
    });

    test(`a client that does not go on behind the answer to its hello is given up (${version}, a listener that ${listener})`, async (t) => {
      const bench = await startBench(t, tls);
      const options = { minVersion: version, maxVersion: version };
      const [hello] = await recordFlights(t, bench.gateway.port(), options);
      const relay = await startRelay(t, bench.impatientPort, hello.length);
      const socket = connect({
        port: relay.port,
        host: '127.0.0.1',
        servername: 'localhost',
        rejectUnauthorized: false,
        ...options,
      });
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
      await once(relay.towardsGateway, 'close');
      await bench.untilOnlyBystander();
      const event = bench.gateway.events.find(({ message }) => message === 'TLS handshake failed');
      assert.equal(event?.fields?.['reason'], 'the client took too long');
    });
  }

  test(`a hello that comes byte by byte gets no more time than another (a listener that ${listener})`, async (t) => {
    const bench = await startBench(t, tls);
    const [hello] = await recordFlights(t, bench.gateway.port(), {});
    const client = await RawClient.open(bench.impatientPort);
    let sent = 0;
    // At this pace the hello is whole long after everybody has lost patience.
    const dripping = setInterval(() => {
      client.send(hello.subarray(sent, sent + 1));
      sent += 1;
    }, 20);
    t.after(() => clearInterval(dripping));
    await client.untilEnd();
    clearInterval(dripping);
    assert.ok(sent < hello.length, `${sent} of ${hello.length} bytes were sent`);
    await bench.untilOnlyBystander();
  });

  const plainNames = ['..', '.localhost', 'localhost.', '*', '*.localhost', '__proto__', 'constructor', 'a b', 'x'.repeat(255)];
  test(`a host with odd letters is one that is not known (a listener that ${listener})`, async (t) => {
    const lenient = await startBench(t, tls);
    const strict = await startBench(t, { ...tls, unknownHosts: 'refuse' });
    for (const servername of plainNames) {
      const unchecked = { servername, checkServerIdentity: () => undefined };
      const socket = await open(t, lenient.gateway.port(), unchecked);
      assert.match(socket.getPeerCertificate().subjectaltname ?? '', /localhost/, servername);
      socket.destroy();
      const refused = open(t, strict.gateway.port(), unchecked);
      await assert.rejects(refused, { code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' }, servername);
    }
    await lenient.untilOnlyBystander();
    await strict.untilOnlyBystander();
  });

  const names: readonly (readonly [string, Buffer])[] = [
    ['no list', Buffer.alloc(0)],
    ['an empty list', vector('', 2)],
    ['an empty name', vector(Buffer.concat([Buffer.of(0), vector('', 2)]), 2)],
    ['a name with a NUL', vector(Buffer.concat([Buffer.of(0), vector('local\0host', 2)]), 2)],
    ['a name that is longer than it says', vector(Buffer.concat([Buffer.of(0), vector('localhost', 2, 5)]), 2)],
    ['a name that is shorter than it says', vector(Buffer.concat([Buffer.of(0), vector('localhost', 2, 50)]), 2)],
    ['a list that is longer than the extension', vector(Buffer.concat([Buffer.of(0), vector('localhost', 2)]), 2, 500)],
    ['a kind of name that is not known', vector(Buffer.concat([Buffer.of(9), vector('localhost', 2)]), 2)],
    ['a name of 256 letters', vector(Buffer.concat([Buffer.of(0), vector('x'.repeat(256), 2)]), 2)],
    ['letters that are none', vector(Buffer.concat([Buffer.of(0), vector(Buffer.alloc(9, 0xff), 2)]), 2)],
  ];
  test(`what stands in the place of a host and is none ends in an alert (a listener that ${listener})`, async (t) => {
    for (const unknownHosts of ['refuse', 'default']) {
      const bench = await startBench(t, { ...tls, unknownHosts });
      for (const [name, value] of names) {
        const client = await RawClient.open(bench.gateway.port());
        client.send(toRecords(writeHello({ extensions: [extension(0, value)] })));
        // A record of the kind alert: fatal.
        assert.match(await client.untilEnd(), /^\x15\x03[\x01-\x03]\0\x02\x02/, name);
      }
      await bench.untilOnlyBystander();
    }
  });
}
