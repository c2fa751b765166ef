// Who asks, by the certificate that a connection has shown in its handshake: what the answer says of it, over real TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { CertificateSigner, type Signed, signItself, writeFiles } from '#test/support/certificate-signer.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const authority = await CertificateSigner.create('Clients');
const warehouse = await authority.sign({ names: ['warehouse.test'], uses: ['client'] });
const somebody = await authority.sign({ names: ['somebody.test'], uses: ['client'] });
/** With the right name, and signed by nobody. */
const forged = await signItself({ names: ['warehouse.test'], uses: ['client'] });

async function start(t: TestContext): Promise<TestGateway> {
  const { ca } = await writeFiles(t, { ca: authority.pem });
  const tls = {
    certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }],
    clientCertificates: { mode: 'optional', ca: ca! },
  } as const;
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', tls } },
    consumers: { warehouse: { certificates: [{ san: 'dns:Warehouse.test' }] }, guest: {} },
    routes: {
      all: { match: { path: '/*' }, to: { respond: { text: 'hello' } } },
      open: {
        match: { path: '/open' },
        to: { respond: { text: 'hello' } },
        policies: { 'client-certificate': { anonymous: 'guest' } },
      },
    },
    policies: { 'client-certificate': {}, headers: { response: { set: { 'x-consumer': '${consumer}' } } } },
  });
  t.after(() => gateway.stop());
  return gateway;
}

async function ask(t: TestContext, gateway: TestGateway, path: string, shown?: Signed): Promise<string> {
  const where = { port: gateway.port(), host: '127.0.0.1', servername: 'localhost', ca: certificates.authority };
  const socket = connect({ ...where, ...(shown && { cert: shown.cert, key: shown.key }) });
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  await once(socket, 'end');
  return text;
}

test('the consumer of a verified certificate asks', async (t) => {
  const answer = await ask(t, await start(t), '/', warehouse);
  assert.match(answer, /^HTTP\/1\.1 200 .*x-consumer: warehouse\r\n/s);
});

test('nobody asks with a certificate that is nobody’s or with none', async (t) => {
  const gateway = await start(t);
  assert.match(await ask(t, gateway, '/', somebody), /^HTTP\/1\.1 401 .*GH_CLIENT_CERTIFICATE_REFUSED/s);
  assert.match(await ask(t, gateway, '/'), /^HTTP\/1\.1 401 .*GH_CLIENT_CERTIFICATE_MISSING/s);
  assert.match(await ask(t, gateway, '/open'), /^HTTP\/1\.1 200 .*x-consumer: guest\r\n/s);
});

test('a forged certificate does not come as far as being anonymous', async (t) => {
  const gateway = await start(t);
  const answer = await ask(t, gateway, '/open', forged).catch(() => '');
  assert.doesNotMatch(answer, /^HTTP\/1\.1 200/);
});
