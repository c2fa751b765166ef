/** The admin address over TLS: its certificate, those of clients, and what stays open to everybody. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { roleTokens } from '#test/support/admin-bench.ts';
import { type Answer, ask } from '#test/support/ask.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { TestAuthority } from '#test/support/issuing-authority.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const routes = { hello: { match: { path: '/*' }, to: { respond: { text: 'hello' } } } };

interface SecureAnswer extends Answer {
  readonly certificate: PeerCertificate;
}

interface SecureAsked {
  readonly ca: string;
  readonly client?: { readonly certPem: string; readonly keyPem: string };
  readonly token?: string;
}

function askSecurely(port: number, path: string, { ca, client, token }: SecureAsked): Promise<SecureAnswer> {
  return new Promise((resolve, reject) => {
    const shown = client === undefined ? {} : { cert: client.certPem, key: client.keyPem };
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, path, ca, ...shown, headers, agent: false }, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerCertificate();
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body, certificate }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function startGateway(t: TestContext, input: Partial<GatewayInput>) {
  const gateway = await startTestGateway({ routes, ...input });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  return { gateway, port: started.admin.port, scheme: started.adminScheme };
}

test('the admin address speaks TLS, follows its files, and goes on where TLS comes and goes', async (t) => {
  const authority = await TestAuthority.create(await makeFolder(t));
  const ca = authority.pair.certPem;
  const tls = await authority.issueFiles('admin', ['127.0.0.1']);
  const admin = { address: '127.0.0.1:0', tls, tokens: roleTokens };
  const { gateway, port, scheme } = await startGateway(t, { admin });
  assert.equal(scheme, 'https');
  const { token } = roleTokens.rea;
  const first = await askSecurely(port, '/api/certificates', { ca, token });
  assert.equal(first.status, 200);
  const [certificate] = JSON.parse(first.body).certificates;
  assert.deepEqual([certificate.listener, certificate.names, certificate.source], ['admin', ['127.0.0.1'], 'file']);
  assert.equal((await askSecurely(port, '/healthz', { ca })).status, 200);
  assert.equal((await askSecurely(port, '/api/status', { ca })).status, 401);
  await assert.rejects(ask(port, '/healthz'));
  await authority.issueFiles('admin', ['127.0.0.1']);
  assert.deepEqual(await gateway.reconfigure({ routes, admin }), []);
  const second = await askSecurely(port, '/healthz', { ca });
  assert.notEqual(second.certificate.fingerprint256, first.certificate.fingerprint256);
  assert.deepEqual(await gateway.reconfigure({ routes, admin: { address: '127.0.0.1:0', tokens: roleTokens } }), []);
  assert.equal((await ask(port, '/healthz')).status, 200);
  await writeFile(tls.key, 'nonsense');
  const [refusal] = await gateway.reconfigure({ routes, admin });
  assert.match(refusal ?? '', /the private key .* cannot be read|the private key/);
  assert.equal((await ask(port, '/healthz')).status, 200);
});

test('with an authority of clients, the API answers only to who shows a certificate of it', async (t) => {
  const folder = await makeFolder(t);
  const authority = await TestAuthority.create(folder);
  const other = await TestAuthority.create(folder, 'Somebody');
  const ca = authority.pair.certPem;
  const tls = { ...(await authority.issueFiles('admin', ['127.0.0.1'])), clientCa: await authority.writeOwn('clients') };
  const { port } = await startGateway(t, { admin: { address: '127.0.0.1:0', tls } });
  const code = async (asked: SecureAsked) => {
    const { status, body } = await askSecurely(port, '/api/status', asked);
    const { code: refusal, user, role } = JSON.parse(body);
    return status === 200 ? `${user} ${role}` : refusal;
  };
  assert.equal(await code({ ca, client: await authority.issueForClient('ops') }), 'certificate admin');
  assert.equal(await code({ ca }), 'GH_ADMIN_CERTIFICATE_NEEDED');
  assert.equal(await code({ ca, client: await other.issueForClient('ops') }), 'GH_ADMIN_CERTIFICATE_NEEDED');
  assert.equal((await askSecurely(port, '/readyz', { ca })).status, 200);
});

test('metrics are protected where it is said, and open everywhere else', async (t) => {
  const folder = await makeFolder(t);
  const tokens = roleTokens;
  const open = await startGateway(t, { admin: { address: '127.0.0.1:0', tokens } });
  assert.equal((await ask(open.port, '/metrics')).status, 200);
  const closed = await startGateway(t, {
    admin: { address: '127.0.0.1:0', tokens, protectMetrics: true, audit: { file: join(folder, 'audit.log') } },
  });
  const refused = await ask(closed.port, '/metrics');
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [401, 'GH_ADMIN_WRONG_TOKEN']);
  const headers = { authorization: `Bearer ${roleTokens.rea.token}` };
  assert.match((await ask(closed.port, '/metrics', { headers })).body, /^gatehouse_configuration_info/m);
  for (const path of ['/healthz', '/readyz']) assert.equal((await ask(closed.port, path)).status, 200);
});
