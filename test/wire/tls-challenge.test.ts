/** What an authority sees that asks by TLS-ALPN-01, and what everybody else sees meanwhile. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const { cert, key } = await issueCertificate(['a.example.com'], systemClock.wallMs(), 1);
const { localhostCert, localhostKey } = certificatePaths;
const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: { respond: { text: 'hello' } } } };

async function start(t: TestContext): Promise<TestGateway> {
  const tls = { certificates: [{ cert: localhostCert, key: localhostKey }] };
  const gateway = await startTestGateway({ listeners: { web: { address: '127.0.0.1:0', tls } }, routes });
  t.after(() => gateway.stop());
  return gateway;
}

function show({ control }: TestGateway, tlsAlpn: Record<string, { cert: string; key: string }>): void {
  control.plane!.setChallenges({ http: {}, tlsAlpn });
}

/** Resolves when the handshake is over, with the socket; rejects with why it is not. */
function handshake(port: number, servername: string, ALPNProtocols: string[]): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername, ALPNProtocols, rejectUnauthorized: false };
    const socket = connect(options, () => resolve(socket));
    socket.on('error', reject);
  });
}

function subjectOf(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.subject;
}

test('shows the certificate of the challenge and closes the connection', async (t) => {
  const gateway = await start(t);
  show(gateway, { 'A.example.com': { cert, key } });
  const socket = await handshake(gateway.port(), 'a.example.com', ['acme-tls/1']);
  assert.deepEqual([subjectOf(socket), socket.alpnProtocol], ['CN=a.example.com', 'acme-tls/1']);
  await new Promise((resolve) => socket.resume().once('close', resolve));
  await eventually(() => gateway.events.some(({ message }) => message === 'challenge shown'), 'it is in the log');
  const { level, fields } = gateway.events.find(({ message }) => message === 'challenge shown')!;
  assert.deepEqual([level, fields], ['info', { listener: 'web', clientAddress: '127.0.0.1', host: 'a.example.com' }]);
});

for (const [whom, servername, protocols] of [
  ['who offers other protocols as well', 'a.example.com', ['acme-tls/1', 'http/1.1']],
  ['who asks for the host and not for the challenge', 'a.example.com', ['http/1.1']],
  ['who asks for another host', 'localhost', ['http/1.1']],
] as const) {
  test(`serves a client as ever ${whom}`, async (t) => {
    const gateway = await start(t);
    show(gateway, { 'a.example.com': { cert, key } });
    const socket = await handshake(gateway.port(), servername, [...protocols]);
    assert.deepEqual([subjectOf(socket), socket.alpnProtocol], ['CN=localhost', 'http/1.1']);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*hello$/s);
  });
}

test('a client that asks for a challenge which is not there fails in the handshake', async (t) => {
  const gateway = await start(t);
  await assert.rejects(handshake(gateway.port(), 'a.example.com', ['acme-tls/1']), /no application protocol/);
  show(gateway, { 'a.example.com': { cert, key } });
  await assert.rejects(handshake(gateway.port(), 'b.example.com', ['acme-tls/1']), /no application protocol/);
  show(gateway, {});
  await assert.rejects(handshake(gateway.port(), 'a.example.com', ['acme-tls/1']), /no application protocol/);
});

test('a gateway that stops does not wait for a client that keeps the connection', async (t) => {
  const gateway = await start(t);
  show(gateway, { 'a.example.com': { cert, key } });
  const options = { port: gateway.port(), host: '127.0.0.1', servername: 'a.example.com', allowHalfOpen: true };
  const socket = connect({ ...options, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  await gateway.control.drain();
  socket.destroy();
});
