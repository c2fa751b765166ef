import assert from 'node:assert/strict';
import { connect as connectPlain, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { readAnswers } from '../support/answers.ts';
import { certificatePaths, certificates } from '../support/certificates.ts';
import { type ClientBench, type ClientBenchOptions, startClientBench, toAnswer } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

async function startTlsBench(t: TestContext, options: ClientBenchOptions = {}): Promise<ClientBench> {
  const { localhostCert: cert, localhostKey: key } = certificatePaths;
  return await startClientBench(t, { ...options, listener: { tls: { certificates: [{ cert, key }] } } });
}

interface TlsClient {
  readonly socket: TLSSocket;
  readonly plain: Socket;
  readonly received: string;
}

async function openTls(t: TestContext, bench: ClientBench): Promise<TlsClient> {
  const plain = connectPlain({ port: bench.gateway.port(), host: '127.0.0.1', allowHalfOpen: true });
  const socket = connect({ socket: plain, servername: 'localhost', ca: certificates.authority });
  let received = '';
  socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  plain.on('error', () => undefined);
  t.after(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return {
    socket,
    plain,
    get received() {
      return received;
    },
  };
}

test('answers requests over TLS, and keeps the connection', async (t) => {
  const bench = await startTlsBench(t);
  const client = await openTls(t, bench);
  client.socket.write(get('/a') + get('/local/b'));
  await eventually(() => readAnswers(client.received).answers.length === 2, 'both answers have come');
  assert.deepEqual(
    readAnswers(client.received).answers.map(({ body }) => body),
    ['GET /a', 'local'],
  );
  assert.match(bench.received[0]!, /^x-forwarded-proto: https\r$/m);
  client.socket.destroy();
});

test('answers a half-closed client over TLS', async (t) => {
  const bench = await startTlsBench(t, { onData: () => undefined });
  const client = await openTls(t, bench);
  client.socket.end(get('/slow'));
  await eventually(() => client.received.includes('100 Continue'), 'the client is asked whether it is there');
  bench.upstream.connections[0]!.send(toAnswer('late'));
  await eventually(() => client.socket.readableEnded, 'the gateway has ended');
  assert.equal(readAnswers(client.received).answers[0]?.body, 'late');
});

const departures: readonly (readonly [how: string, leave: (client: TlsClient) => void])[] = [
  ['closes', ({ socket }) => socket.destroy()],
  ['is cut off', ({ plain }) => plain.destroy()],
];

for (const [how, leave] of departures) {
  test(`finds out that a waiting client over TLS is gone when it ${how}`, async (t) => {
    const bench = await startTlsBench(t, { onData: () => undefined });
    const client = await openTls(t, bench);
    client.socket.write(get('/slow'));
    await eventually(() => bench.received.length === 1, 'the upstream has the request');
    leave(client);
    await bench.untilNoConnections();
    await eventually(() => bench.upstream.connections[0]!.socket.closed, 'the upstream is left');
    assert.deepEqual(
      (await bench.log()).map(({ status, code }) => [status, code]),
      [[499, 'GH_CLIENT_GONE']],
    );
  });
}

test('gives a client over TLS its refusal before it closes', async (t) => {
  const bench = await startTlsBench(t);
  const client = await openTls(t, bench);
  client.socket.write('nonsense\r\n\r\n');
  await eventually(() => client.socket.readableEnded, 'the gateway has ended');
  assert.equal(readAnswers(client.received).answers[0]?.status, 400);
  client.socket.destroy();
});
