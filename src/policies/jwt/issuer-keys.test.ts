import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpCallFailed } from '#net/http-call.ts';
import { reasonOf, setUpTokens } from '#test/support/jwt-bench.ts';
import { makeKeyPair, TestIssuer } from '#test/support/jwt-issuer.ts';

const key = await makeKeyPair('k1');
const nextKey = await makeKeyPair('k2');
const nameless = await makeKeyPair('', 'ES256');

/** Until everything that nobody waits for has been done. */
const settle = () => new Promise(setImmediate);

test('keys are fetched before anybody asks', async () => {
  const { issuer } = await setUpTokens(key);
  await settle();
  assert.deepEqual(issuer.asked, [issuer.discoveryUrl, issuer.jwksUrl]);
});

test('a key that is new is found when a token names it', async () => {
  const { issuer, show, sign, advance } = await setUpTokens(key);
  assert.equal((await show(await sign())).status, 200);
  advance(30_000);
  issuer.keys = [key, nextKey];
  assert.equal((await show(await sign({}, { key: nextKey }))).status, 200);
  assert.equal((await show(await sign())).status, 200);
});

test('a flood of wrong key names leads to one download in a while, and is answered at once until then', async () => {
  const { issuer, bench, show, sign, advance } = await setUpTokens(key, { jwks: 'https://login.example.com/keys' });
  await show(await sign());
  assert.equal(issuer.asked.length, 1);
  for (let round = 0; round < 3; round += 1) {
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, i) => sign({ n: i, round }, { header: { kid: `x${round}-${i}` } })),
    );
    for (const token of tokens) assert.equal((await show(token)).status, 401);
    assert.equal(issuer.asked.length, 1 + round);
    advance(30_000);
    const together = await Promise.all(tokens.map((token) => show(token)));
    assert.deepEqual([...new Set(together.map(({ status }) => status))], [401]);
    assert.equal(issuer.asked.length, 2 + round);
  }
  assert.equal(bench.seen.length, 1);
});

test('tokens without a key name are tried with every key that fits, and find a new one too', async () => {
  const issuer = new TestIssuer([key, { ...nameless, publicJwk: { ...nameless.publicJwk, kid: undefined } as never }]);
  const { show, sign, advance } = await setUpTokens(key, {}, { issuer });
  const without = { header: { kid: undefined } };
  assert.equal((await show(await sign({}, { key: nameless, ...without }))).status, 200);
  assert.equal((await show(await sign({}, { key, ...without }))).status, 200);
  const early = await sign({}, { key: nextKey, ...without });
  assert.equal(reasonOf(await show(early)), 'signature');
  issuer.keys = [nextKey];
  assert.equal((await show(early)).status, 401);
  advance(30_000);
  assert.equal((await show(early)).status, 200);
});

test('keys are fetched again ahead of their age, and nobody waits for it', async () => {
  const issuer = new TestIssuer([key]);
  issuer.headers = { 'cache-control': 'public, max-age=100, must-revalidate' };
  const { bench, sign, show, advance } = await setUpTokens(key, {}, { issuer });
  const token = await sign();
  await show(token);
  const fields = ['authorization', `Bearer ${token}`];
  advance(79_999);
  assert.equal((await bench.send({ fields })).status, 200);
  assert.equal(issuer.asked.length, 2);
  advance(1);
  assert.equal(bench.start({ fields }).exchange.isFinished, true);
  assert.equal(issuer.asked.length, 3);
  await settle();
  assert.equal((await bench.send({ fields })).status, 200);
  assert.equal(issuer.asked.length, 4);
});

test('a key that was taken back has signed nothing that counts, also when the token is known', async () => {
  const { issuer, sign, show, advance } = await setUpTokens(key);
  const token = await sign({ exp: 2_500_000_000 });
  assert.equal((await show(token)).status, 200);
  issuer.keys = [nextKey];
  advance(480_000);
  // This one has the keys fetched.
  assert.equal((await show(token)).status, 200);
  await settle();
  const after = await show(token);
  assert.deepEqual([after.status, reasonOf(after)], [401, 'key']);
});

test('present keys go on counting while the issuer is down, and what is not known is not called wrong', async () => {
  const { issuer, sign, show, advance, events } = await setUpTokens(key);
  assert.equal((await show(await sign())).status, 200);
  issuer.answers[issuer.discoveryUrl] = () => Promise.reject(new HttpCallFailed('no whole answer within 10000 ms'));
  advance(24 * 3_600_000);
  assert.equal((await show(await sign())).status, 200);
  await settle();
  const unknown = await show(await sign({}, { key: nextKey }));
  assert.equal(unknown.status, 503);
  assert.deepEqual(unknown.values('retry-after'), ['30']);
  assert.equal((await show(await sign({ sub: 'bob' }))).status, 200);
  assert.equal(events.length, 1);
});

const keyFaults: readonly (readonly [string, object | string, RegExp])[] = [
  ['no JSON', '<html>', /has no key set: it is not JSON/],
  ['no list', { keys: {} }, /it has no list `keys`/],
  ['too many keys', { keys: Array.from({ length: 101 }, () => key.publicJwk) }, /more than 100 keys/],
  ['no keys', { keys: [] }, /no key that signatures could be checked with/],
  ['secrets, which are no public keys', { keys: [{ kty: 'oct', k: 'AAAA', kid: 'k1' }] }, /no key that/],
  ['keys for something else', { keys: [{ ...key.publicJwk, use: 'enc' }] }, /no key that/],
  ['a key with a huge modulus', { keys: [{ kty: 'RSA', kid: 'k1', n: 'A'.repeat(1_369), e: 'AQAB' }] }, /no key that/],
  ['a key with a huge exponent', { keys: [{ kty: 'RSA', kid: 'k1', n: 'A'.repeat(342), e: 'A'.repeat(13) }] }, /no key that/],
];

for (const [what, answer, expected] of keyFaults) {
  test(`an issuer that answers with ${what} has no keys for us, and the present ones stay`, async () => {
    const { issuer, sign, show, advance, events } = await setUpTokens(key);
    assert.equal((await show(await sign())).status, 200);
    issuer.answers[issuer.jwksUrl] = { text: typeof answer === 'string' ? answer : JSON.stringify(answer) };
    advance(480_000);
    await show(await sign());
    await settle();
    assert.match(String((events[0]!.fields as { reason: string }).reason), expected);
    assert.equal((await show(await sign({ sub: 'bob' }))).status, 200);
  });
}

test('what an issuer says of itself must be about itself, and lead to a place that can be trusted', async () => {
  for (const [document, expected] of [
    [{ issuer: 'https://evil.example.com/', jwks_uri: 'https://login.example.com/keys' }, /is of the issuer "https:\/\/evil/],
    [{ issuer: 'https://login.example.com', jwks_uri: 'https://login.example.com/keys' }, /is of the issuer/],
    [{ issuer: 'https://login.example.com/', jwks_uri: 'http://login.example.com/keys' }, /no place for keys/],
    [{ issuer: 'https://login.example.com/', jwks_uri: 'file:///etc/passwd' }, /no place for keys/],
    [{ issuer: 'https://login.example.com/' }, /no place for keys/],
    [[], /no map of JSON/],
    [7, /no map of JSON/],
  ] as const) {
    const issuer = new TestIssuer([key]);
    issuer.answers[issuer.discoveryUrl] = { text: JSON.stringify(document) };
    const { sign, show, events } = await setUpTokens(key, {}, { issuer });
    assert.equal((await show(await sign())).status, 503);
    assert.match(String((events[0]!.fields as { reason: string }).reason), expected);
  }
});

test('an issuer that speaks OAuth only is found by RFC 8414', async () => {
  const issuer = new TestIssuer([key], 'https://login.example.com/tenants/1');
  const url = 'https://login.example.com/.well-known/oauth-authorization-server/tenants/1';
  issuer.answers[issuer.discoveryUrl] = { status: 404 };
  issuer.answers[url] = { status: 200, text: JSON.stringify({ issuer: issuer.issuer, jwks_uri: issuer.jwksUrl }) };
  const { sign, show } = await setUpTokens(key, {}, { issuer });
  assert.equal((await show(await sign())).status, 200);
  assert.deepEqual(issuer.asked, [issuer.discoveryUrl, url, issuer.jwksUrl]);
});
