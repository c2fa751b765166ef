/** What services are shown, through a real gateway: tokens of a real issuer, tokens of the gateway itself, and nothing where it does not belong. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { listenFor } from '#test/support/listening-server.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '#test/support/test-gateway.ts';
import { startTokenIssuer } from '#test/support/token-issuer.ts';

const SECRET = 'hidden: 100 % +~';
/** Whoever answers is given time to do so, however busy the machine is. */
const PATIENT = '30s';
const ALICE = 'alice-2dSxkW0nB5Ue8hQv';
const toPem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }));
const toPublicPem = (key: KeyObject) => String(createPublicKey(key).export({ type: 'spki', format: 'pem' }));

async function startServer(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listenFor(t, createServer(listener))}`;
}

/** A service, and what it was sent. */
async function startService(t: TestContext, status: () => number = () => 200) {
  const seen: IncomingMessage[] = [];
  const url = await startServer(t, (request, response) => {
    seen.push(request);
    response.writeHead(status()).end(`${request.headers.authorization}`);
  });
  return { url, seen };
}

async function startGateway(t: TestContext, input: Partial<GatewayInput>, options?: TestGatewayOptions): Promise<TestGateway> {
  const gateway = await startTestGateway(input, options);
  t.after(() => gateway.stop());
  return gateway;
}

const toRoutes = (policy: unknown, to: unknown = 'orders') =>
  ({ orders: { match: { path: '/*' }, to, policies: { 'upstream-auth': policy } } }) as Partial<GatewayInput>['routes'] & object;

for (const way of ['basic', 'post'] as const) {
  test(`each thread has one token of a real issuer, which is shown the secret by ${way}`, async (t) => {
    const issuer = await startTokenIssuer(t, [
      { client_id: 'gate:1', client_secret: SECRET, token_endpoint_auth_method: `client_secret_${way}` },
    ]);
    const service = await startService(t);
    const token = {
      issuer: issuer.issuer,
      clientId: 'gate:1',
      clientSecret: SECRET,
      clientAuthentication: way,
      scopes: ['read'],
      timeout: PATIENT,
    };
    const services = { orders: { endpoints: [service.url] } };
    const gateway = await startGateway(t, { services, routes: toRoutes({ token }) }, { threads: 2 });
    const tokens = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const answer = await ask(gateway.port(), '/', { headers: { authorization: 'Bearer forged' } });
      assert.equal(answer.status, 200);
      tokens.add(answer.body.slice('Bearer '.length));
    }
    assert.equal(tokens.size, issuer.askedCount());
    assert.ok(tokens.size <= 2);
    for (const each of tokens) assert.deepEqual(await issuer.find(each), { clientId: 'gate:1', scope: 'read' });
    const lines = JSON.stringify([await gateway.stop(), gateway.events]);
    for (const hidden of [SECRET, ...tokens]) assert.equal(lines.includes(hidden), false);
  });
}

test('a real issuer takes what the key of the gateway signs', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const issuer = await startTokenIssuer(t, [
    {
      client_id: 'gate',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...jwk, kty: 'EC', kid: 'k1', alg: 'ES256', use: 'sig' }] },
    },
  ]);
  const service = await startService(t);
  const token = { issuer: issuer.issuer, clientId: 'gate', clientKey: toPem(privateKey), keyId: 'k1', timeout: PATIENT };
  const gateway = await startGateway(t, { services: { orders: { endpoints: [service.url] } }, routes: toRoutes({ token }) });
  const { status, body } = await ask(gateway.port(), '/');
  assert.equal(status, 200);
  assert.equal((await issuer.find(body.slice('Bearer '.length)))?.clientId, 'gate');
});

test('a wrong secret is told in the log and to nobody else', async (t) => {
  const issuer = await startTokenIssuer(t, [{ client_id: 'gate', client_secret: 'right' }]);
  const service = await startService(t);
  const token = { issuer: issuer.issuer, clientId: 'gate', clientSecret: SECRET, timeout: PATIENT };
  const gateway = await startGateway(t, { services: { orders: { endpoints: [service.url] } }, routes: toRoutes({ token }) });
  const { status, body, headers } = await ask(gateway.port(), '/');
  assert.equal(status, 503);
  assert.equal((JSON.parse(body) as { code: string }).code, 'GH_UPSTREAM_AUTH_NO_TOKEN');
  assert.equal(headers['retry-after'], '1');
  assert.equal(body.includes(issuer.issuer), false);
  assert.equal(service.seen.length, 0);
  const event = gateway.events.find(({ message }) => message === 'token for a service not issued');
  assert.equal(event?.fields?.['reason'], 'status 401, invalid_client');
  const lines = JSON.stringify([await gateway.stop(), gateway.events]);
  assert.equal(lines.includes(SECRET), false);
});

const OUT_OF_TIME = /^no whole answer within \d+ ms$/;

for (const [what, listener, reason] of [
  ['answers nothing', () => undefined, OUT_OF_TIME],
  ['never ends its answer', (_request, response) => void response.writeHead(200).write('{'), OUT_OF_TIME],
  [
    'answers without end',
    (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    },
    /^the answer is longer than 65536 bytes$/,
  ],
  ['says something else', (_request, response) => void response.end('<html>'), /^the answer is no JSON object$/],
  ['goes away', (request) => void request.socket.destroy(), /^ECONNRESET$/],
  ['sends elsewhere', (_request, response) => void response.writeHead(307, { location: '/x' }).end(), /^status 307$/],
] as readonly (readonly [string, RequestListener, RegExp])[]) {
  test(`an issuer that ${what} costs a request no more than its time`, async (t) => {
    const tokenEndpoint = await startServer(t, listener);
    const service = await startService(t);
    const timeout = reason === OUT_OF_TIME ? '200ms' : PATIENT;
    const token = { tokenEndpoint, clientId: 'gate', clientSecret: SECRET, timeout };
    const gateway = await startGateway(t, { services: { orders: { endpoints: [service.url] } }, routes: toRoutes({ token }) });
    assert.equal((await ask(gateway.port(), '/')).status, 503);
    const told = gateway.events.find(({ fields }) => fields?.['server'] === tokenEndpoint);
    assert.match(String(told?.fields?.['reason']), reason);
    assert.equal(service.seen.length, 0);
  });
}

test('an issuer with a certificate of a private authority is believed only where that authority is named', async (t) => {
  const server = createSecureServer(certificates.localhost, (_request, response) => void response.end('{"access_token":"t"}'));
  const tokenEndpoint = `https://localhost:${await listenFor(t, server)}/`;
  const service = await startService(t);
  const token = { tokenEndpoint, clientId: 'gate', clientSecret: SECRET, timeout: PATIENT };
  const services = { orders: { endpoints: [service.url] } };
  const gateway = await startGateway(t, { services, routes: toRoutes({ token }) });
  assert.equal((await ask(gateway.port(), '/')).status, 503);
  assert.equal(gateway.events.at(-1)?.fields?.['reason'], 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-authority-'));
  t.after(() => rm(folder, { recursive: true }));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, certificates.authority);
  for (const [name, policy] of [
    ['gate', { token: { ...token, ca } }],
    ['other', { services: { orders: { token: { ...token, clientId: 'other', ca } } } }],
  ] as const) {
    assert.deepEqual(await gateway.reconfigure({ services, routes: toRoutes(policy) }), []);
    assert.equal((await ask(gateway.port(), '/')).body, 'Bearer t', name);
  }
});

test('a token goes neither to the service that stands in nor to the one that gets copies, unless they are named', async (t) => {
  const orders = await startService(t, () => 500);
  const standby = await startService(t);
  const copies = await startService(t);
  const services = {
    orders: { endpoints: [orders.url] },
    standby: { endpoints: [standby.url] },
    copies: { endpoints: [copies.url] },
  };
  const to = { service: 'orders', fallback: { service: 'standby', when: [500] } };
  const routesWith = (policy: unknown) => {
    const { orders: route } = toRoutes(policy, to) as { orders: { policies: object } };
    return {
      orders: { ...route, policies: { ...route.policies, mirror: { to: 'copies' } } },
    } as unknown as GatewayInput['routes'] & object;
  };
  const gateway = await startGateway(t, { services, routes: routesWith({ bearer: 'hidden' }) });
  const shown = async () => {
    const before = copies.seen.length;
    await ask(gateway.port(), '/', { headers: { authorization: 'Bearer forged' } });
    await eventually(() => copies.seen.length > before, 'the copy has come');
    return [orders, standby, copies].map(({ seen }) => seen.at(-1)?.headers.authorization);
  };
  assert.deepEqual(await shown(), ['Bearer hidden', undefined, undefined]);
  const each = { orders: { bearer: 'one' }, standby: { bearer: 'two' }, copies: { bearer: 'three' } };
  assert.deepEqual(await gateway.reconfigure({ services, routes: routesWith({ services: each }) }), []);
  assert.deepEqual(await shown(), ['Bearer one', 'Bearer two', 'Bearer three']);
});

test('further attempts show the same token', async (t) => {
  let count = 0;
  const service = await startService(t, () => (count++ === 0 ? 503 : 200));
  const services = {
    orders: { endpoints: [service.url], retry: { on: [503], attempts: 2 } },
  } as unknown as GatewayInput['services'] & object;
  const gateway = await startGateway(t, { services, routes: toRoutes({ header: 'x-api-key', value: 'hidden' }) });
  assert.equal((await ask(gateway.port(), '/')).status, 200);
  assert.deepEqual(
    service.seen.map(({ headers }) => headers['x-api-key']),
    ['hidden', 'hidden'],
  );
});

const mint = { issuer: 'https://gate.example.com', audience: 'orders', claims: { tenant: '${header.x-tenant}' } };
const KEYS_PATH = '/.well-known/jwks.json';
const toMinting = (url: string, tokenKeys: { current: string; others?: string[] }) => ({
  consumers: { alice: { groups: ['gold'], keys: [ALICE] } },
  tokenKeys,
  services: { orders: { endpoints: [url] } },
  routes: {
    keys: { match: { path: KEYS_PATH }, to: { jwks: { maxAge: '1m' } }, policies: { 'api-key': false as const } },
    orders: { match: { path: '/*' }, to: 'orders' },
  },
  policies: { 'api-key': {}, 'upstream-auth': { mint } },
});

test('a service verifies who asks, and that the request came through the gateway, by keys that it fetches there', async (t) => {
  const [first, second] = [generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), generateKeyPairSync('ed25519')];
  const service = await startService(t);
  const gateway = await startGateway(t, toMinting(service.url, { current: toPem(first.privateKey) }), { threads: 2 });
  const keysUrl = new URL(`http://127.0.0.1:${gateway.port()}${KEYS_PATH}`);
  const demanded = { issuer: mint.issuer, audience: mint.audience };
  const send = async () => {
    const answer = await ask(gateway.port(), '/7', {
      headers: { 'x-api-key': ALICE, 'x-tenant': 'acme', authorization: 'Bearer forged' },
    });
    return answer.body.slice('Bearer '.length);
  };
  const keys = createRemoteJWKSet(keysUrl, { cooldownDuration: 0 });
  const token = await send();
  const { payload } = await jwtVerify(token, keys, demanded);
  const { iat, exp, ...said } = payload;
  assert.deepEqual(said, { iss: mint.issuer, aud: 'orders', sub: 'alice', route: 'orders', groups: ['gold'], tenant: 'acme' });
  assert.equal(exp! - iat!, 60);
  // Rotation: the next key is known before it signs, and the one before for as long as its tokens last.
  await gateway.reconfigure(
    toMinting(service.url, { current: toPem(first.privateKey), others: [toPublicPem(second.privateKey)] }),
  );
  const early = createRemoteJWKSet(keysUrl);
  await jwtVerify(await send(), early, demanded);
  await gateway.reconfigure(toMinting(service.url, { current: toPem(second.privateKey), others: [toPem(first.privateKey)] }));
  const next = await send();
  assert.notEqual(decodeProtectedHeader(next).kid, decodeProtectedHeader(token).kid);
  assert.equal(decodeProtectedHeader(next).alg, 'EdDSA');
  // With what was fetched before the key began to sign.
  await jwtVerify(next, early, demanded);
  await jwtVerify(token, createRemoteJWKSet(keysUrl), demanded);
  await gateway.reconfigure(toMinting(service.url, { current: toPem(second.privateKey) }));
  await assert.rejects(jwtVerify(token, createRemoteJWKSet(keysUrl), demanded));
});

test('the document says how long it may be kept, and nothing that is secret', async (t) => {
  const keys = [generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), generateKeyPairSync('ed25519')];
  const [current, other] = keys.map(({ privateKey }) => toPem(privateKey)) as [string, string];
  const gateway = await startGateway(t, toMinting('http://127.0.0.1:1', { current, others: [other, current] }));
  const { status, headers, body } = await ask(gateway.port(), KEYS_PATH);
  assert.deepEqual(
    [status, headers['content-type'], headers['cache-control']],
    [200, 'application/jwk-set+json', 'public, max-age=60'],
  );
  const { keys: published } = JSON.parse(body) as { keys: Record<string, unknown>[] };
  assert.deepEqual(
    published.map(({ alg, use, d }) => [alg, use, d]),
    [
      ['ES256', 'sig', undefined],
      ['EdDSA', 'sig', undefined],
    ],
  );
  const lines = JSON.stringify([await gateway.stop(), gateway.events]);
  assert.equal(/PRIVATE|hidden/.test(lines), false);
});

test('without keys, nothing that signs or publishes them is taken', async (t) => {
  const gateway = await startGateway(t, {});
  const services = { orders: { endpoints: ['http://127.0.0.1:1'] } };
  for (const input of [
    { services, routes: toRoutes({ mint }) },
    { services, routes: toRoutes({ services: { orders: { mint } } }) },
    { services, policies: { 'upstream-auth': { mint } } },
    { routes: toRoutes(false, { jwks: {} }) },
  ] as Partial<GatewayInput>[]) {
    const [message, ...more] = await gateway.reconfigure(input);
    assert.match(message!, /^there is no `tokenKeys` block/);
    assert.deepEqual(more, []);
  }
  const named = { services: { mint: { endpoints: ['http://127.0.0.1:1'] } } };
  assert.deepEqual(
    await gateway.reconfigure({ ...named, routes: toRoutes({ services: { mint: { bearer: 'x' } } }, 'mint') }),
    [],
  );
  const [unknown] = await gateway.reconfigure({ services, routes: toRoutes({ services: { order: { bearer: 'x' } } }) });
  assert.match(unknown!, /^there is no service `order`; did you mean `orders`\?/);
});
