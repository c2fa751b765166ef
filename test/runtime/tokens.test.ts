/** Tokens of a real issuer, over real sockets and with real data threads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { type IssuerKeyPair, makeKeyPair, type SignedClaims, TestIssuer } from '#test/support/jwt-issuer.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const key = await makeKeyPair('k1', 'RS256');
const nextKey = await makeKeyPair('k2');

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An issuer behind a server: it is asked as its `callHttp` would be. */
async function serveIssuer(t: TestContext, toServer: (listener: RequestListener) => Server, toOrigin: (port: number) => string) {
  let issuer: TestIssuer | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url!, issuer!.issuer).href;
    const { status, text } = await issuer!.callHttp({ url, timeoutMs: 1_000, bytesMax: 100_000 });
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };
  const port = await listen(
    t,
    toServer((request, response) => void answer(request, response)),
  );
  issuer = new TestIssuer([key], toOrigin(port));
  return issuer;
}

const signNow = (issuer: TestIssuer, claims: SignedClaims = {}, signer: IssuerKeyPair = key) =>
  issuer.sign(claims, { key: signer, nowMs: Date.now() });
const show = (token: string, more: Readonly<Record<string, string>> = {}) => ({
  headers: { authorization: `Bearer ${token}`, ...more },
});

test('who shows a token is known in every data thread, to services and in the access log, and the token is in no log', async (t) => {
  const issuer = await serveIssuer(t, createServer, (port) => `http://127.0.0.1:${port}`);
  const seen: IncomingMessage['headers'][] = [];
  const port = await listen(
    t,
    createServer((request, response) => {
      seen.push(request.headers);
      response.end('served');
    }),
  );
  const gateway = await startTestGateway(
    {
      services: { orders: { endpoints: [`http://127.0.0.1:${port}`] } },
      routes: { orders: { match: { path: '/*' }, to: 'orders' } },
      policies: {
        jwt: { issuer: issuer.issuer, audience: 'shop', query: 'token', header: 'authorization', scheme: 'Bearer' },
        headers: { request: { set: { 'x-user': '${claim.sub}', 'x-tenant': '${claim.org.id}' } } },
      },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  const token = await signNow(issuer, { org: { id: 'o-7' } });
  for (let i = 0; i < 12; i += 1)
    assert.equal((await ask(gateway.port(), '/orders', show(token, { 'x-user': 'root', 'X-Tenant': 'other' }))).status, 200);
  assert.equal((await ask(gateway.port(), `/orders?token=${token}`)).status, 200);
  assert.equal(seen.length, 13);
  for (const fields of seen) assert.deepEqual([fields['x-user'], fields['x-tenant']], ['ann', 'o-7']);
  assert.equal(seen[0]!.authorization, `Bearer ${token}`);
  const forged = `${token.slice(0, -4)}AAAA`;
  assert.equal((await ask(gateway.port(), '/orders', show(forged))).status, 401);
  assert.equal((await ask(gateway.port(), '/orders')).status, 401);
  // Each thread asks for itself: where the keys are, and for the keys.
  assert.ok(issuer.asked.length <= 4, String(issuer.asked.length));
  const lines = await gateway.stop();
  const name = `ann@${new URL(issuer.issuer).host}`;
  assert.equal(lines.filter(({ consumer }) => consumer === name).length, 13);
  assert.deepEqual(lines.find(({ code }) => code === 'GH_JWT_REFUSED')?.['detail'], { reason: 'signature' });
  const logged = JSON.stringify([lines, gateway.events]);
  assert.equal(logged.includes(token) || logged.includes(forged), false);
});

test('an issuer with a certificate of a private authority is trusted by the file that is named', async (t) => {
  const certificates = join(import.meta.dirname, '../support/certificates');
  const [cert, tlsKey] = await Promise.all(['localhost.pem', 'localhost.key'].map((name) => readFile(join(certificates, name))));
  const issuer = await serveIssuer(
    t,
    (listener) => createTlsServer({ cert, key: tlsKey }, listener) as unknown as Server,
    (port) => `https://localhost:${port}`,
  );
  const settings = { issuer: issuer.issuer, audience: 'shop' };
  const routes = (ca: string) => ({
    trusted: { match: { path: '/trusted' }, to: { respond: { text: 'in' } }, policies: { jwt: { ...settings, ca } } },
    unknown: { match: { path: '/unknown' }, to: { respond: { text: 'in' } }, policies: { jwt: settings } },
  });
  const gateway = await startTestGateway({ routes: routes(join(certificates, 'authority.pem')) }, { threads: 1 });
  t.after(() => gateway.stop());
  const token = await signNow(issuer);
  assert.equal((await ask(gateway.port(), '/trusted', show(token))).status, 200);
  assert.equal((await ask(gateway.port(), '/unknown', show(token))).status, 503);
  const refusals = await gateway.reconfigure({ routes: routes(join(certificates, 'localhost.key')) });
  assert.match(refusals.join(), /the certificate authority .*localhost\.key is not a certificate in PEM form/);
});

test('keys in a file are those of the file, also when it is another one after a reload', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'keys.json');
  const issuer = new TestIssuer([key]);
  await writeFile(file, issuer.keySet);
  const configuration = {
    routes: { all: { match: { path: '/*' }, to: { respond: { text: '${claim.sub}' } } } },
    policies: { jwt: { issuer: issuer.issuer, audience: 'shop', jwks: { file } } },
  };
  const gateway = await startTestGateway(configuration, { threads: 2 });
  t.after(() => gateway.stop());
  const [token, next] = [await signNow(issuer), await signNow(issuer, { sub: 'bob' }, nextKey)];
  const statuses = async () =>
    Promise.all([token, next].map(async (shown) => (await ask(gateway.port(), '/', show(shown))).status));
  assert.deepEqual(await statuses(), [200, 401]);
  issuer.keys = [nextKey];
  await writeFile(file, issuer.keySet);
  assert.deepEqual(await gateway.reconfigure(configuration), []);
  assert.deepEqual(await statuses(), [401, 200]);
  await writeFile(file, '{}');
  assert.match((await gateway.reconfigure(configuration)).join(), /the key set .*keys\.json is not a JSON Web Key Set/);
  assert.deepEqual(await statuses(), [401, 200]);
  await rm(file);
  assert.match((await gateway.reconfigure(configuration)).join(), /the key set .*keys\.json cannot be read/);
});

test('a secret reaches the data threads, and tokens that it has signed count there', async (t) => {
  const { SignJWT } = await import('jose');
  const secret = 'a-secret-that-is-only-in-this-test';
  const gateway = await startTestGateway(
    {
      routes: { all: { match: { path: '/*' }, to: { respond: { text: '${claim.sub}' } } } },
      policies: { jwt: { issuer: 'https://login.example.com/', audience: 'shop', secret } },
    },
    { threads: 1 },
  );
  t.after(() => gateway.stop());
  const token = await new SignJWT({ iss: 'https://login.example.com/', aud: 'shop', sub: 'ann' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret));
  assert.deepEqual(await ask(gateway.port(), '/', show(token)).then(({ status, body }) => [status, body]), [200, 'ann']);
});

test('a server is asked about tokens, and its answer counts in every later request of the thread', async (t) => {
  const bodies: string[] = [];
  const port = await listen(
    t,
    createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        bodies.push(body);
        const active = new URLSearchParams(body).get('token') === 'opaque-1';
        response.end(JSON.stringify(active ? { active, sub: 'ann' } : { active }));
      });
    }),
  );
  const gateway = await startTestGateway(
    {
      routes: { all: { match: { path: '/*' }, to: { respond: { text: '${claim.sub}' } } } },
      policies: {
        introspection: {
          endpoint: `http://127.0.0.1:${port}/introspect`,
          clientId: 'gateway',
          clientSecret: 'hidden-1',
          timeout: '30s',
        },
      },
    },
    { threads: 1 },
  );
  t.after(() => gateway.stop());
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(gateway.port(), '/', show('opaque-1'))).body, 'ann');
  assert.equal((await ask(gateway.port(), '/', show('opaque-2'))).status, 401);
  assert.equal(bodies.length, 2);
  const logged = JSON.stringify([await gateway.stop(), gateway.events]);
  assert.equal(/opaque-|hidden-1/.test(logged), false);
});
