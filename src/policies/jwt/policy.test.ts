import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { HttpCallFailed } from '#net/http-call.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { reasonOf, setUpTokens as setUp } from '#test/support/jwt-bench.ts';
import { makeKeyPair, type SignedClaims, TestIssuer } from '#test/support/jwt-issuer.ts';
import { plan } from '#test/support/policy-bench.ts';
import { jwtPolicy } from './policy.ts';

const key = await makeKeyPair('k1');
const nextKey = await makeKeyPair('k2');

test('lets through who shows a token of the issuer, and knows who it is and what it may do', async () => {
  const { sign, show, issuer } = await setUp(key);
  const token = await sign({ scope: 'orders:read orders:write', roles: ['buyer'], groups: ['gold'], team: { id: 7 } });
  for (let i = 0; i < 3; i += 1) {
    const { status, exchange } = await show(token);
    assert.equal(status, 200);
    assert.equal(exchange.consumer?.name, 'ann@login.example.com');
    assert.deepEqual(exchange.consumer?.scopes, ['orders:read', 'orders:write']);
    assert.deepEqual([exchange.consumer?.roles, exchange.consumer?.groups], [['buyer'], ['gold']]);
    assert.deepEqual(exchange.consumer?.claims['team'], { id: 7 });
  }
  assert.deepEqual(issuer.asked, [issuer.discoveryUrl, issuer.jwksUrl]);
});

test('a token stands for the consumer that has its subject, with the groups of both', async () => {
  const ann = { groups: ['staff'], keys: [], subjects: ['ann@login.example.com'] };
  const { sign, show } = await setUp(key, {}, { consumers: { ann } });
  const { exchange } = await show(await sign({ groups: ['gold'] }));
  assert.equal(exchange.consumer?.name, 'ann');
  assert.deepEqual(exchange.consumer?.groups, ['staff', 'gold']);
});

test('who shows no token is told what would be right, and nothing of an error', async () => {
  const { bench } = await setUp(key);
  for (const fields of [[], ['authorization', 'Basic YTpi'], ['authorization', 'Bearer'], ['x-token', 'abc']]) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.values('www-authenticate'), ['Bearer realm="gatehouse"']);
    assert.equal((answer.json() as { code: string }).code, 'GH_JWT_MISSING');
  }
  assert.equal(bench.seen.length, 0);
});

test('who shows no token is the anonymous consumer, where there is one; a wrong token stays wrong', async () => {
  const { bench, show } = await setUp(key, { anonymous: 'guest' }, { consumers: { guest: { groups: [], keys: [] } } });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await show('wrong')).status, 401);
});

test('the service sees the token unless it is not meant to', async () => {
  const shown = await setUp(key);
  const token = await shown.sign();
  await shown.show(token);
  assert.deepEqual(shown.bench.seen[0]!.fields, ['authorization', `Bearer ${token}`]);
  const hidden = await setUp(key, { forward: false, header: 'authorization', query: 'token', cookie: 'token' });
  const other = await hidden.sign();
  await hidden.bench.send({
    url: `/a?token=${other}&b=1`,
    fields: ['authorization', `Bearer ${other}`, 'cookie', `token=${other}; c=1`],
  });
  assert.deepEqual([hidden.bench.seen[0]!.target, hidden.bench.seen[0]!.fields], ['/a?b=1', ['cookie', 'c=1']]);
});

test('a token in a query or a cookie counts where it is looked for, and is not logged', async () => {
  const { bench, sign } = await setUp(key, { query: 'token', cookie: 'session' });
  const token = await sign();
  const inQuery = await bench.send({ url: `/a?token=${token}` });
  assert.deepEqual([inQuery.status, inQuery.exchange.shownTarget], [200, '/a?token=[redacted]']);
  assert.equal((await bench.send({ fields: ['cookie', `a=b; session=${token}`] })).status, 200);
  assert.equal((await bench.send({ fields: ['authorization', `Bearer ${token}`] })).status, 401);
});

test('of two tokens, a service might look at the one that nobody has checked', async () => {
  const { bench, sign, show } = await setUp(key, { header: 'authorization', query: 'token', cookie: 'token' });
  const [token, other] = [await sign(), 'e30.e30.AAAA'];
  for (const request of [
    { fields: ['authorization', `Bearer ${token}`, 'authorization', `Bearer ${other}`] },
    { fields: ['authorization', `Bearer ${token}`, 'cookie', `token=${other}`] },
    { fields: ['cookie', `token=${token}; token=${other}`] },
    { url: `/?token=${token}&token=${other}` },
    { url: `/?token=${other}`, fields: ['authorization', `Bearer ${token}`] },
  ]) {
    const answer = await bench.send(request);
    assert.deepEqual([answer.status, reasonOf(answer)], [401, 'several tokens']);
  }
  assert.equal((await show(`${token}, Bearer ${token}`)).status, 401);
  const same = await bench.send({ url: `/?token=${token}`, fields: ['authorization', `Bearer ${token}`] });
  assert.equal(same.status, 200);
});

test('a token counts until it expires, with the leeway and not longer, also when it is known', async () => {
  const { sign, show, clock, advance } = await setUp(key, { leeway: '10s' });
  const now = Math.floor(clock.wallMs() / 1_000);
  const token = await sign({ exp: now + 60 });
  assert.equal((await show(token)).status, 200);
  advance(60_000 + 10_000 - 1_000);
  assert.equal((await show(token)).status, 200);
  advance(1_000);
  const late = await show(token);
  assert.deepEqual([late.status, reasonOf(late)], [401, 'expired']);
});

test('a token that begins later or was made too long ago does not count', async () => {
  const { sign, show, clock } = await setUp(key, { leeway: '10s', maxAge: '1m' });
  const now = Math.floor(clock.wallMs() / 1_000);
  for (const [claims, reason] of [
    [{ nbf: now + 10 }, undefined],
    [{ nbf: now + 11 }, 'claim nbf'],
    [{ iat: now - 70 }, undefined],
    [{ iat: now - 71 }, 'expired'],
    [{ iat: now + 10 }, undefined],
    [{ iat: now + 11 }, 'claim iat'],
    [{ exp: now - 9 }, undefined],
    [{ exp: now - 10 }, 'expired'],
  ] as const) {
    const answer = await show(await sign(claims));
    assert.deepEqual([answer.status, reasonOf(answer)], [reason === undefined ? 200 : 401, reason], JSON.stringify(claims));
  }
});

test('a known token gets too old by its age as well', async () => {
  const { sign, show, advance } = await setUp(key, { leeway: '0s', maxAge: '1m' });
  const token = await sign();
  assert.equal((await show(token)).status, 200);
  advance(61_000);
  assert.equal(reasonOf(await show(token)), 'expired');
});

test('a token that never expires counts only where that is allowed', async () => {
  const strict = await setUp(key);
  assert.equal(reasonOf(await strict.show(await strict.sign({ exp: undefined }))), 'claim exp');
  const lax = await setUp(key, { requireExpiry: false });
  assert.equal((await lax.show(await lax.sign({ exp: undefined }))).status, 200);
});

test('claims that are asked for must be there', async () => {
  const { sign, show } = await setUp(key, { claims: { team: ['a', 'b'], 'org.level': 3, verified: true } });
  const right = { team: 'a', org: { level: 3 }, verified: true };
  for (const [claims, status] of [
    [right, 200],
    [{ ...right, team: ['x', 'b'] }, 200],
    [{ ...right, team: 'ab' }, 401],
    [{ ...right, team: undefined }, 401],
    [{ ...right, org: { level: '3' } }, 401],
    [{ ...right, verified: 'true' }, 401],
  ] as const)
    assert.equal((await show(await sign(claims))).status, status, JSON.stringify(claims));
});

test('a token says who it is about by the claim that is named', async () => {
  const claimNames = { subject: 'client_id', roles: 'realm_access.roles', scopes: 'rights', groups: 'cognito:groups' };
  const { sign, show } = await setUp(key, { claimNames });
  const { exchange } = await show(
    await sign({ client_id: 'job-7', realm_access: { roles: ['r'] }, rights: ['s'], scope: 'x', 'cognito:groups': ['g'] }),
  );
  assert.equal(exchange.consumer?.name, 'job-7@login.example.com');
  assert.deepEqual([exchange.consumer?.roles, exchange.consumer?.scopes, exchange.consumer?.groups], [['r'], ['s'], ['g']]);
  assert.equal(reasonOf(await show(await sign({ client_id: undefined }))), 'subject');
  assert.equal(reasonOf(await show(await sign({ client_id: 'a b' }))), 'subject');
});

test('each issuer has its own audience and keys', async () => {
  const other = new TestIssuer([nextKey], 'https://other.example.com');
  const issuer = new TestIssuer([key]);
  issuer.answers[other.jwksUrl] = { status: 200, text: other.keySet };
  const { show, clock, sign } = await setUp(
    key,
    {
      issuer: undefined,
      audience: undefined,
      issuers: [
        { issuer: issuer.issuer, audience: 'shop' },
        { issuer: other.issuer, audience: ['other', 'shop-2'], jwks: other.jwksUrl },
      ],
    },
    { issuer },
  );
  const signOther = (claims: SignedClaims) => other.sign(claims, { nowMs: clock.wallMs() });
  assert.equal((await show(await sign())).status, 200);
  assert.equal((await show(await signOther({ aud: ['x', 'shop-2'] }))).exchange.consumer?.name, 'ann@other.example.com');
  assert.equal(reasonOf(await show(await signOther({ aud: 'shop' }))), 'claim aud');
  // The keys of one issuer sign nothing for another.
  assert.equal(reasonOf(await show(await signOther({ iss: issuer.issuer, aud: 'shop' }))), 'key');
});

test('a secret signs tokens where there is one', async () => {
  const secret = 'a-secret-that-is-only-in-this-test';
  const { show, clock, issuer } = await setUp(key, { secret });
  const now = Math.floor(clock.wallMs() / 1_000);
  const signWith = (text: string) =>
    new SignJWT({ iss: issuer.issuer, aud: 'shop', sub: 'ann', exp: now + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(text));
  assert.equal((await show(await signWith(secret))).status, 200);
  assert.equal(reasonOf(await show(await signWith(`${secret}x`))), 'signature');
  assert.deepEqual(issuer.asked, []);
});

test('keys of the configuration need no issuer', async () => {
  const { show, sign, issuer } = await setUp(key, { jwks: { keys: [key.publicJwk] } });
  assert.equal((await show(await sign())).status, 200);
  assert.equal(reasonOf(await show(await sign({}, { key: nextKey }))), 'key');
  assert.deepEqual(issuer.asked, []);
});

test('a reload fetches nothing and forgets no token, and the consumers are those of the new configuration', async () => {
  const { bench, show, sign, services, settings, issuer } = await setUp(key);
  const token = await sign();
  assert.equal((await show(token)).exchange.consumer?.name, 'ann@login.example.com');
  const ann = { groups: [], keys: [], subjects: ['ann@login.example.com'] };
  const reloaded = { ...services, consumers: new ConsumerDirectory({ ann }) };
  bench.reload([await plan(jwtPolicy, settings, reloaded)]);
  // A token that is known makes nobody wait.
  const { exchange } = bench.start({ fields: ['authorization', `Bearer ${token}`] });
  assert.equal(exchange.isFinished, true);
  assert.equal(exchange.consumer?.name, 'ann');
  assert.equal(issuer.asked.length, 2);
  bench.reload([await plan(jwtPolicy, { ...settings, audience: 'other' }, reloaded)]);
  assert.equal(reasonOf(await show(token)), 'claim aud');
});

test('while the issuer does not answer, requests that need its keys wait for a while, together, and then hear that it is not their fault', async () => {
  const issuer = new TestIssuer([key]);
  const { promise, resolve } = Promise.withResolvers<void>();
  issuer.answers[issuer.jwksUrl] = async () => {
    await promise;
    return { status: 200, headers: {}, text: issuer.keySet };
  };
  const { show, sign, timers } = await setUp(key, { timeout: '2s' }, { issuer });
  const [token, other] = [await sign(), await sign({ sub: 'bob' })];
  const waiting = [show(token), show(token), show(other)];
  await new Promise(setImmediate);
  assert.deepEqual(timers.delaysMs, [2_000, 2_000]);
  timers.runAll();
  for (const answer of await Promise.all(waiting)) {
    assert.equal(answer.status, 503);
    assert.equal((answer.json() as { code: string }).code, 'GH_JWT_KEYS_UNAVAILABLE');
    assert.deepEqual(answer.values('retry-after'), ['1']);
  }
  assert.equal(issuer.asked.length, 2);
  const later = show(token);
  resolve();
  assert.equal((await later).status, 200);
});

test('an issuer that is down is no reason to refuse a token; one that comes back is asked again', async () => {
  const issuer = new TestIssuer([key]);
  issuer.answers[issuer.discoveryUrl] = () => Promise.reject(new HttpCallFailed('ECONNREFUSED'));
  const { show, sign, advance, events } = await setUp(key, {}, { issuer });
  const token = await sign();
  assert.equal((await show(token)).status, 503);
  assert.equal((await show(token)).status, 503);
  assert.equal(issuer.asked.length, 1);
  assert.deepEqual(events, [
    {
      message: 'keys of an issuer cannot be fetched',
      fields: { issuer: issuer.issuer, reason: 'ECONNREFUSED', keys: 0 },
    },
  ]);
  issuer.answers = {};
  advance(1_000);
  assert.equal((await show(token)).status, 200);
});
