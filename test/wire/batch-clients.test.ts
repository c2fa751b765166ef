/** Requests of a batch come from whoever sent the batch, by whatever way: over TLS with a certificate, over HTTP/2, to services that read PROXY headers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { readAnswers } from '#test/support/answers.ts';
import { ask } from '#test/support/ask.ts';
import { CertificateSigner, type Signed, writeFiles } from '#test/support/certificate-signer.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { encodeData, Flag } from '#test/support/http2-frames.ts';
import { RawHttp2Client, toHead } from '#test/support/http2-raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const batch = { match: { path: '/batch' }, to: { batch: {} } } as const;
const JSON_TYPE = ['content-type', 'application/json'] as const;

async function start(t: TestContext, input: Partial<GatewayInput>): Promise<TestGateway> {
  const gateway = await startTestGateway(input);
  t.after(() => gateway.stop());
  return gateway;
}

test('a certificate that the client has shown counts for each request', async (t) => {
  const authority = await CertificateSigner.create('Clients');
  const warehouse = await authority.sign({ names: ['warehouse.test'], uses: ['client'] });
  const { ca } = await writeFiles(t, { ca: authority.pem });
  const certificate = { cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey };
  const gateway = await start(t, {
    listeners: {
      web: {
        address: '127.0.0.1:0',
        tls: { certificates: [certificate], clientCertificates: { mode: 'optional', ca: ca! } },
      },
    },
    consumers: { warehouse: { certificates: [{ san: 'dns:warehouse.test' }] } },
    routes: {
      batch,
      private: {
        match: { path: '/private' },
        policies: { 'client-certificate': {} },
        to: { respond: { text: '${consumer} by ${scheme}' } },
      },
    },
  });
  const send = async (shown?: Signed) => {
    const where = { port: gateway.port(), host: '127.0.0.1', servername: 'localhost', ca: certificates.authority };
    const socket = connect({ ...where, ...(shown && { cert: shown.cert, key: shown.key }) });
    t.after(() => socket.destroy());
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    const body = '[{"path":"/private"}]';
    socket.write(
      `POST /batch HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${JSON_TYPE.join(': ')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'end');
    return JSON.parse(readAnswers(text).answers[0]!.body).responses[0];
  };
  assert.equal((await send(warehouse)).text, 'warehouse by https');
  assert.deepEqual((await send()).body.code, 'GH_CLIENT_CERTIFICATE_MISSING');
});

test('a client of HTTP/2 sends batches like any other', async (t) => {
  const gateway = await start(t, {
    routes: { batch, local: { match: { path: '/local', host: 'shop' }, to: { respond: { text: '${authority}' } } } },
  });
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  client.sendHead(1, [...toHead('POST', '/batch'), ...JSON_TYPE], false);
  client.send(encodeData(1, '[{"id":1,"path":"/local"},{"id":2,"path":"/none"}]', Flag.endStream));
  await client.untilAnswered(1);
  const { responses } = JSON.parse(client.bodyOf(1));
  assert.deepEqual(
    responses.map(({ id, status, text }: { id: number; status: number; text?: string }) => [id, status, text]),
    [
      [1, 200, 'shop'],
      [2, 404, undefined],
    ],
  );
  client.socket.destroy();
});

test('a service that reads PROXY headers is told of the client by each request', async (t) => {
  const upstream = await startRawUpstream((connection) => {
    if (connection.received.endsWith('\r\n\r\n')) connection.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });
  t.after(() => upstream.close());
  const gateway = await start(t, {
    services: { main: { endpoints: [upstream.url], proxyProtocol: 'v1' } },
    routes: { batch, main: { match: { path: '/main' }, to: 'main' } },
  });
  const answer = await ask(gateway.port(), '/batch', {
    method: 'POST',
    headers: Object.fromEntries([JSON_TYPE]),
    body: '[{"path":"/main"},{"path":"/main"}]',
  });
  assert.deepEqual(
    JSON.parse(answer.body).responses.map(({ status }: { status: number }) => status),
    [200, 200],
  );
  assert.equal(upstream.connections.length, 2);
  for (const { received } of upstream.connections)
    assert.match(received, new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${gateway.port()}\\r\\nGET /main `));
});
