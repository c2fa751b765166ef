import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { Keeper } from '#base/keeper.ts';
import type { LogFields } from '#base/logger.ts';
import { Secret } from '#base/secret.ts';
import type { Consumer } from '#http/consumer.ts';
import { type HttpCall, type HttpCallAnswer, HttpCallFailed } from '#net/http-call.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { TokenKeys } from '#pipeline/token-keys.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { BENCH_SERVICE, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { upstreamAuthPolicy } from './policy.ts';

const SECRET = 'hidden-secret';
const TOKEN = 'hidden-token';
const settings = {
  token: { tokenEndpoint: 'https://login.example.com/token', clientId: 'gate way', clientSecret: `${SECRET}:%` },
};
const alice: Consumer = {
  name: '3f2a@login.example.com',
  groups: ['gold'],
  scopes: ['read', 'write'],
  roles: ['clerk'],
  claims: { iss: 'https://login.example.com' },
};

function toPem(type: 'ec' | 'ed25519'): string {
  const { privateKey } = type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) : generateKeyPairSync('ed25519');
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

const signing = new TokenKeys({ current: new Secret(toPem('ec')), others: [] });

interface Setting {
  readonly services?: Partial<PolicyServices>;
  readonly consumer?: Consumer;
  readonly upstreamStatus?: () => number;
}

async function createBench(config: unknown, { services, consumer, upstreamStatus = () => 200 }: Setting = {}) {
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = consumer;
      return undefined;
    },
  });
  const policies = [identify, await plan(upstreamAuthPolicy, config, services)];
  return createPolicyBench({ policies, path: '/*', upstream: () => ({ status: upstreamStatus() }) });
}

/** What the service is sent in a field. */
async function sendAndRead(bench: Awaited<ReturnType<typeof createBench>>, field: string, fields: readonly string[] = []) {
  const answer = await bench.send({ fields });
  const seen = bench.seen.at(-1);
  return { answer, values: seen && getFieldValues(seen.fields, field) };
}

for (const [what, config, field, value] of [
  ['a bearer token', { bearer: SECRET }, 'authorization', `Bearer ${SECRET}`],
  ['a user', { basic: { username: 'gäte', password: 'a:b' } }, 'authorization', 'Basic Z8OkdGU6YTpi'],
  ['a key', { header: 'X-API-Key', value: SECRET }, 'x-api-key', SECRET],
  ['a credential by service', { services: { [BENCH_SERVICE]: { bearer: SECRET } } }, 'authorization', `Bearer ${SECRET}`],
] as const) {
  test(`shows ${what}, in the place of what the client wrote`, async () => {
    const bench = await createBench(config);
    assert.deepEqual((await sendAndRead(bench, field)).values, [value]);
    assert.deepEqual((await sendAndRead(bench, field, [field, 'forged', 'x-a', '1', field, 'again'])).values, [value]);
    // To many a service, that is the same field.
    const lookalike = field.replaceAll('-', '_');
    if (lookalike !== field) assert.deepEqual((await sendAndRead(bench, lookalike, [lookalike, 'forged'])).values, []);
  });
}

test('a service that is not named keeps what the client wrote, except where only the gateway writes', async () => {
  const mint = { issuer: 'https://gate', audience: 'stock' };
  const bench = await createBench(
    { services: { stock: { bearer: SECRET }, other: { mint }, third: { mint: { ...mint, header: 'x-gatehouse-token' } } } },
    { services: { tokenKeys: signing } },
  );
  const fields = ['authorization', 'own', 'x-gatehouse-token', 'forged'];
  assert.deepEqual((await sendAndRead(bench, 'authorization', fields)).values, ['own']);
  assert.deepEqual((await sendAndRead(bench, 'x-gatehouse-token', fields)).values, []);
});

for (const purpose of ['fallback', 'mirror'] as const) {
  test(`a ${purpose} is shown a credential only where it is named`, async () => {
    const named = { service: 'standby', purpose, method: 'GET', target: '/', authority: 'a' };
    const fieldsWith = async (config: unknown) => {
      const { phases } = await plan(upstreamAuthPolicy, config);
      const { exchange } = createPolicyBench().start();
      const fields = ['authorization', 'forged'];
      phases.upstreamRequest!(exchange, { ...named, fields });
      return fields;
    };
    assert.deepEqual(await fieldsWith({ bearer: SECRET }), []);
    assert.deepEqual(await fieldsWith({ services: { orders: { bearer: SECRET } } }), ['authorization', 'forged']);
    assert.deepEqual(await fieldsWith({ services: { standby: { bearer: SECRET } } }), ['authorization', `Bearer ${SECRET}`]);
  });
}

/** An issuer that answers as it is told, and what it was asked. */
function createIssuer(answerAs: (call: HttpCall) => Partial<HttpCallAnswer> | undefined = () => ({})) {
  const calls: HttpCall[] = [];
  const clock = new FakeClock();
  const callHttp = async (call: HttpCall): Promise<HttpCallAnswer> => {
    calls.push(call);
    const given = answerAs(call);
    if (given === undefined) throw new HttpCallFailed('ECONNREFUSED');
    const text = JSON.stringify({ access_token: `${TOKEN}-${calls.length}`, token_type: 'Bearer', expires_in: 100 });
    return { status: 200, headers: {}, text, ...given };
  };
  return { calls, clock, services: { clock, callHttp, keeper: new Keeper() } };
}

test('shows a token that an issuer has given for the client and its secret', async () => {
  const { calls, services } = createIssuer();
  const bench = await createBench(
    { token: { ...settings.token, scopes: ['a', 'b'], audience: 'x&y', resource: 'z' } },
    { services },
  );
  assert.deepEqual((await sendAndRead(bench, 'authorization', ['authorization', 'forged'])).values, [`Bearer ${TOKEN}-1`]);
  assert.deepEqual((await sendAndRead(bench, 'authorization')).values, [`Bearer ${TOKEN}-1`]);
  assert.equal(calls.length, 1);
  const { url, method, headers, body, timeoutMs } = calls[0]!;
  assert.deepEqual([url, method, timeoutMs], ['https://login.example.com/token', 'POST', 5_000]);
  assert.equal(body, 'grant_type=client_credentials&scope=a+b&audience=x%26y&resource=z');
  const [scheme, encoded] = headers!['authorization']!.split(' ');
  assert.equal(scheme, 'Basic');
  // RFC 6749 §2.3.1: a colon in the secret is not the one between.
  assert.equal(Buffer.from(encoded!, 'base64').toString(), `gate+way:${SECRET}%3A%25`);
});

test('shows the secret in the form where the issuer wants it there', async () => {
  const { calls, services } = createIssuer();
  await (await createBench({ token: { ...settings.token, clientAuthentication: 'post' } }, { services })).send();
  assert.equal(calls[0]!.headers!['authorization'], undefined);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(calls[0]!.body)), {
    grant_type: 'client_credentials',
    client_id: 'gate way',
    client_secret: `${SECRET}:%`,
  });
});

test('proves itself with a token that its key signs', async () => {
  const { calls, services, clock } = createIssuer(({ url }) =>
    url.endsWith('configuration')
      ? { text: JSON.stringify({ issuer: 'https://login.example.com', token_endpoint: 'https://login.example.com/t' }) }
      : {},
  );
  const token = { issuer: 'https://login.example.com', clientId: 'gate', clientKey: toPem('ec'), keyId: 'k1' };
  const bench = await createBench({ token }, { services });
  assert.deepEqual((await sendAndRead(bench, 'authorization')).values, [`Bearer ${TOKEN}-2`]);
  assert.deepEqual(
    calls.map(({ url }) => url),
    ['https://login.example.com/.well-known/openid-configuration', 'https://login.example.com/t'],
  );
  const form = new URLSearchParams(calls[1]!.body);
  const { iss, sub, aud, exp, iat, jti } = decodeJwt(form.get('client_assertion')!);
  assert.deepEqual([iss, sub, aud], ['gate', 'gate', 'https://login.example.com']);
  assert.deepEqual([iat, exp! - iat!], [Math.floor(clock.wallMs() / 1_000), 60]);
  assert.match(jti!, /^[0-9a-f-]{36}$/);
});

test('without a token nothing is sent, and the log says why', async () => {
  let isUp = false;
  const { calls, clock, services } = createIssuer(() => (isUp ? {} : { status: 401, text: '{"error":"invalid_client"}' }));
  const logged: unknown[] = [];
  const logger = { log: (...event: unknown[]) => void logged.push(event) };
  const bench = await createBench(settings, { services: { ...services, logger } });
  for (const _request of [1, 2]) {
    const answer = await bench.send();
    assert.equal(answer.status, 503);
    assert.equal((answer.json() as { code: string }).code, 'GH_UPSTREAM_AUTH_NO_TOKEN');
    assert.deepEqual(answer.values('retry-after'), ['1']);
    assert.equal(/hidden|login/.test(answer.text), false);
  }
  assert.equal(bench.seen.length, 0);
  assert.equal(calls.length, 1);
  assert.match(JSON.stringify(logged), /status 401, invalid_client/);
  assert.equal(JSON.stringify(logged).includes('hidden'), false);
  isUp = true;
  clock.advance(1_000);
  assert.equal((await bench.send()).status, 200);
  assert.equal(bench.seen.length, 1);
});

test('what is wrong with an answer costs one request, and no token is made of it', async () => {
  for (const given of [
    undefined,
    { text: 'x'.repeat(10_000) },
    { text: '{}' },
    { text: JSON.stringify({ access_token: 'hidden\r\nx-evil: 1', expires_in: 60 }) },
    { text: JSON.stringify({ access_token: 'hidden', expires_in: -60 }) },
    { status: 500 },
  ]) {
    const { services } = createIssuer(() => given);
    const bench = await createBench(settings, { services });
    assert.equal((await bench.send()).status, 503);
    assert.equal(bench.seen.length, 0);
  }
});

test('a reload that changes something else goes on with the token; another secret has another token', async () => {
  const { calls, services } = createIssuer();
  const bench = await createBench(settings, { services });
  await bench.send();
  bench.reload([await plan(upstreamAuthPolicy, settings, services)]);
  assert.deepEqual((await sendAndRead(bench, 'authorization')).values, [`Bearer ${TOKEN}-1`]);
  bench.reload([await plan(upstreamAuthPolicy, { token: { ...settings.token, clientSecret: 'new' } }, services)]);
  assert.deepEqual((await sendAndRead(bench, 'authorization')).values, [`Bearer ${TOKEN}-2`]);
  assert.equal(calls.length, 2);
});

test('the next request behind a 401 of the service has a new token', async () => {
  const { calls, clock, services } = createIssuer();
  let status = 200;
  const bench = await createBench(settings, { services, upstreamStatus: () => status });
  const send = async () => {
    for (const each of [clock, bench.clock]) each.advance(1);
    return (await sendAndRead(bench, 'authorization')).values;
  };
  await send();
  status = 403;
  await send();
  assert.deepEqual(await send(), [`Bearer ${TOKEN}-1`]);
  status = 401;
  await send();
  assert.deepEqual(await send(), [`Bearer ${TOKEN}-2`]);
  assert.deepEqual(await send(), [`Bearer ${TOKEN}-2`]);
  assert.equal(calls.length, 2);
});

test('a route without the service waits for no token of it', async () => {
  const { calls, services } = createIssuer(() => undefined);
  const bench = await createBench({ services: { stock: settings } }, { services });
  assert.equal((await bench.send()).status, 200);
  assert.equal(calls.length, 0);
});

test('a call that cannot even be made is a token that was not issued, also where nobody waits for it', async () => {
  const { clock, services } = createIssuer();
  let fails = false;
  const callHttp = (call: HttpCall) =>
    fails ? Promise.reject(Object.assign(new TypeError('hidden'), { code: 'ERR_INVALID_CHAR' })) : services.callHttp(call);
  const reasons: unknown[] = [];
  const logger = { log: (_level: string, _message: string, fields?: LogFields) => void reasons.push(fields?.['reason']) };
  const bench = await createBench(settings, { services: { ...services, callHttp, logger } });
  assert.equal((await bench.send()).status, 200);
  fails = true;
  clock.advance(80_000);
  assert.equal((await bench.send()).status, 200);
  await new Promise(setImmediate);
  clock.advance(20_000);
  assert.equal((await bench.send()).status, 503);
  assert.deepEqual(reasons, ['the call cannot be made: ERR_INVALID_CHAR', 'the call cannot be made: ERR_INVALID_CHAR']);
});

test('an answer of the gateway itself waits for no token', async () => {
  const { calls, services } = createIssuer(() => undefined);
  const bench = createPolicyBench({
    policies: [await plan(upstreamAuthPolicy, settings, services)],
    terminal: { start: (exchange) => exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined }) },
  });
  assert.equal((await bench.send()).status, 204);
  assert.equal(calls.length, 0);
});

test('several tokens are waited for at once', async () => {
  const { calls, services } = createIssuer();
  const each = (clientId: string) => ({ token: { ...settings.token, clientId } });
  const policy = await plan(upstreamAuthPolicy, { services: { a: each('a'), b: each('b') } }, services);
  const bench = createPolicyBench({
    policies: [policy],
    terminal: {
      services: ['a', 'b'],
      start: (exchange) => exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined }),
    },
  });
  assert.equal((await bench.send()).status, 204);
  assert.equal(calls.length, 2);
  const { services: down } = createIssuer(({ headers }) => (headers!['authorization']!.startsWith('Basic Yj') ? undefined : {}));
  bench.reload([await plan(upstreamAuthPolicy, { services: { a: each('a'), b: each('b') } }, down)]);
  assert.equal((await bench.send()).status, 503);
});

test('who stands in for others is no reason to wait, but its token is asked for', async () => {
  const { calls, services } = createIssuer(() => undefined);
  const policy = await plan(upstreamAuthPolicy, { services: { standby: settings } }, services);
  const bench = createPolicyBench({
    policies: [policy],
    terminal: {
      services: ['orders'],
      standIn: 'standby',
      start: (exchange) => exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined }),
    },
  });
  assert.equal((await bench.send()).status, 204);
  assert.equal(calls.length, 1);
});

const mint = { issuer: 'https://gate.example.com', audience: 'orders', claims: { tenant: '${header.x-tenant}' } };

async function verify(text: string, clock: FakeClock, keys: TokenKeys = signing) {
  const jwks = createLocalJWKSet(JSON.parse(keys.toJwks()) as JSONWebKeySet);
  const { payload } = await jwtVerify(text, jwks, {
    issuer: mint.issuer,
    audience: mint.audience,
    currentDate: new Date(clock.wallMs()),
  });
  return payload;
}

for (const [what, keys] of [
  ['P-256', signing],
  ['Ed25519', new TokenKeys({ current: new Secret(toPem('ed25519')), others: [] })],
] as const) {
  test(`mints a token that says who asks, signed with ${what}`, async () => {
    const clock = new FakeClock();
    const bench = await createBench({ mint }, { services: { clock, tokenKeys: keys }, consumer: alice });
    const { values } = await sendAndRead(bench, 'authorization', ['authorization', 'Bearer forged', 'x-tenant', 'acme']);
    assert.match(values![0]!, /^Bearer /);
    const nowSeconds = Math.floor(clock.wallMs() / 1_000);
    assert.deepEqual(await verify(values![0]!.slice('Bearer '.length), clock, keys), {
      iss: mint.issuer,
      aud: 'orders',
      route: 'tested',
      sub: alice.name,
      scope: 'read write',
      roles: ['clerk'],
      groups: ['gold'],
      origin_iss: 'https://login.example.com',
      tenant: 'acme',
      iat: nowSeconds,
      exp: nowSeconds + 60,
    });
  });
}

test('mints into a field of its own, without a scheme and without what is not known', async () => {
  const clock = new FakeClock();
  const config = { mint: { ...mint, header: 'x-gatehouse-token', claims: {}, ttl: '10s' } };
  const bench = await createBench(config, { services: { clock, tokenKeys: signing } });
  const fields = ['authorization', 'own', 'x-gatehouse-token', 'forged'];
  const { values } = await sendAndRead(bench, 'x-gatehouse-token', fields);
  assert.equal(values!.length, 1);
  const payload = await verify(values![0]!, clock);
  assert.deepEqual(Object.keys(payload), ['iss', 'aud', 'route', 'iat', 'exp']);
  assert.equal(payload.exp! - payload.iat!, 10);
  assert.deepEqual(getFieldValues(bench.seen.at(-1)!.fields, 'authorization'), ['own']);
});

test('what a client sends stays one value of its claim', async () => {
  const clock = new FakeClock();
  const bench = await createBench({ mint }, { services: { clock, tokenKeys: signing } });
  const { values } = await sendAndRead(bench, 'authorization', ['x-tenant', 'a","sub":"root"}{']);
  const payload = await verify(values![0]!.slice('Bearer '.length), clock);
  assert.equal(payload['tenant'], 'a","sub":"root"}{');
  assert.equal(payload.sub, undefined);
});

test('says in a few words what is shown, and no secret', async () => {
  const schema = await upstreamAuthPolicy.loadConfig();
  for (const [config, text] of [
    [settings, 'a token of https://login.example.com/token for gate way for the services of the route'],
    [{ bearer: SECRET }, 'a bearer token for the services of the route'],
    [{ basic: { username: 'gate', password: SECRET } }, 'user gate with a password for the services of the route'],
    [{ header: 'x-api-key', value: SECRET }, 'a secret in x-api-key for the services of the route'],
    [
      { services: { orders: { bearer: SECRET }, stock: { mint } } },
      'orders: a bearer token; stock: a token of the gateway in authorization, for orders',
    ],
  ] as const)
    assert.equal(upstreamAuthPolicy.describe!(schema.parse(config)), text);
});
