// Clients that speak HTTP to a port of TLS, and TLS to a port of HTTP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { readAnswers } from '#test/support/answers.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs, run } from '#test/support/programs.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

async function startGateway(t: TestContext): Promise<TestGateway> {
  const { localhostCert: cert, localhostKey: key } = certificatePaths;
  const gateway = await startTestGateway({
    listeners: {
      secure: { address: '127.0.0.1:0', tls: { certificates: [{ cert, key }] } },
      passing: {
        address: '127.0.0.1:0',
        tls: { certificates: [{ cert, key }], passthrough: { 'bank.example.com': 'bank' } },
      },
      plain: { address: '127.0.0.1:0' },
    },
    services: { bank: { endpoints: ['tcp://127.0.0.1:1'] } },
    routes: { all: { match: { path: '/*' }, to: { respond: { status: 200, text: 'hello' } } } },
  });
  t.after(() => gateway.stop());
  return gateway;
}

const failures = (gateway: TestGateway) =>
  gateway.events.filter(({ message }) => message === 'TLS handshake failed').map(({ fields }) => String(fields?.['reason']));

for (const listener of ['secure', 'passing']) {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    test(`${method} without TLS is told that the port speaks TLS (${listener})`, async (t) => {
      const gateway = await startGateway(t);
      const client = await RawClient.open(gateway.port(listener));
      client.send(`${method} /path HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      await client.untilEnd();
      const answer = readAnswers(client.received).answers[0];
      assert.equal(answer?.status, 400);
      const { code, detail } = JSON.parse(answer.body) as Record<string, string>;
      assert.equal(code, 'GH_TLS_PLAIN_HTTP');
      assert.match(detail!, /https/);
      await eventually(() => failures(gateway).length === 1, 'the log tells of it');
      assert.deepEqual(failures(gateway), ['the client speaks HTTP without TLS (ERR_SSL_HTTP_REQUEST)']);
    });
  }
}

test('what is neither TLS nor HTTP is disconnected, and the log says so', async (t) => {
  const gateway = await startGateway(t);
  const client = await RawClient.open(gateway.port('secure'));
  client.send(Buffer.alloc(64, 0xff));
  await client.untilEnd();
  assert.doesNotMatch(client.received, /HTTP/);
  await eventually(() => failures(gateway).length === 1, 'the log tells of it');
  assert.match(failures(gateway)[0]!, /^the client does not speak TLS/);
});

test('HTTP without TLS disturbs nobody who speaks TLS', async (t) => {
  const gateway = await startGateway(t);
  const secure = connectTls({ port: gateway.port('secure'), host: 'localhost', ca: certificates.authority });
  t.after(() => secure.destroy());
  await once(secure, 'secureConnect');
  for (let count = 0; count < 20; count++) {
    const client = await RawClient.open(gateway.port('secure'));
    client.send('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await client.untilEnd();
  }
  secure.end('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.match(String((await once(secure, 'data'))[0]), /^HTTP\/1\.1 200 /);
});

test('curl shows what is wrong when it asks with http', needs('curl'), async (t) => {
  const gateway = await startGateway(t);
  const { stdout } = await run('curl', ['--silent', '--include', `http://127.0.0.1:${gateway.port('secure')}/`]);
  assert.match(stdout.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*GH_TLS_PLAIN_HTTP/);
});

test('TLS to a port without TLS is answered in HTTP, and the log says what came', async (t) => {
  const gateway = await startGateway(t);
  const client = connectTls({ port: gateway.port('plain'), host: 'localhost', ca: certificates.authority });
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  assert.match(String(error.code), /WRONG_VERSION_NUMBER/);
  const [line] = await gateway.stop();
  assert.deepEqual([line?.['status'], line?.['detail']], [400, { fault: 'tls' }]);
});
