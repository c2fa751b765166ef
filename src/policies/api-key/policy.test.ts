import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { apiKeyPolicy } from './policy.ts';

const ALICE = 'alice-key-0123456789abcdef';
const NEW_ALICE = 'alice-new-0123456789abcdef';
const CAROL = 'carol-key-0123456789abcdef';
const BOB = 'bob-key-0123456789abcdefgh';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const consumers = {
  alice: {
    groups: [],
    keys: [
      { sha256: sha256(ALICE), shown: 'alice-' },
      { sha256: sha256(NEW_ALICE), shown: '' },
    ],
  },
  bob: { groups: [], keys: [{ sha256: sha256(BOB), shown: 'bob-ke', expiresMs: new FakeClock().wallMs() + 5_000 }] },
  carol: { groups: [], keys: [{ sha256: sha256(CAROL), shown: 'carol-' }], addresses: ['10.0.0.0/8', '2001:db8::/32'] },
  guest: { groups: [], keys: [] },
};

async function benchWith(config: unknown, clock = new FakeClock()) {
  const services = { clock, consumers: new ConsumerDirectory(consumers) };
  return createPolicyBench({ policies: [await plan(apiKeyPolicy, config, services)] });
}

test('lets through who shows a key, and knows who it is, also with the second key', async () => {
  const bench = await benchWith({});
  for (const key of [ALICE, NEW_ALICE, ALICE]) {
    const answer = await bench.send({ fields: ['x-api-key', key] });
    assert.equal(answer.status, 200);
    assert.equal(answer.exchange.consumer?.name, 'alice');
  }
});

test('refuses who shows no key, and says what would be right', async () => {
  const bench = await benchWith({});
  const answer = await bench.send();
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.values('www-authenticate'), ['ApiKey realm="gatehouse"']);
  assert.equal((answer.json() as { code: string }).code, 'GH_API_KEY_MISSING');
  assert.equal(bench.seen.length, 0);
});

test('answers every key that does not count alike, and logs why', async () => {
  const clock = new FakeClock();
  const bench = await benchWith({}, clock);
  const before = await bench.send({ fields: ['x-api-key', BOB] });
  assert.equal(before.status, 200);
  clock.advance(5_000);
  const answers = new Set<string>();
  for (const [fields, detail] of [
    [['x-api-key', BOB], { reason: 'expired', consumer: 'bob', key: 'bob-ke…' }],
    [['x-api-key', 'nobody'], { reason: 'unknown' }],
    [['x-api-key', ''], { reason: 'unknown' }],
    [['x-api-key', ALICE.toUpperCase()], { reason: 'unknown' }],
    [['x-api-key', sha256(ALICE)], { reason: 'unknown' }],
    [['x-api-key', `${ALICE} `.repeat(400)], { reason: 'unknown' }],
    [['x-api-key', '__proto__'], { reason: 'unknown' }],
    [['x-api-key', ALICE, 'x-api-key', BOB], { reason: 'several keys' }],
  ] as const) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 401, JSON.stringify(fields));
    assert.deepEqual(answer.exchange.error?.detail, detail);
    assert.equal(answer.exchange.consumer, undefined);
    answers.add(answer.text);
  }
  assert.equal(answers.size, 1);
  assert.equal(bench.seen.length, 1);
});

test('the service does not see the key unless it is meant to', async () => {
  const fields = ['accept', '*/*', 'x-api-key', ALICE, 'cookie', `a=1; key=${ALICE}; b=2`];
  const hidden = await benchWith({ header: 'x-api-key', query: 'key', cookie: 'key' });
  await hidden.send({ url: `/orders?a=1&key=${ALICE}&k%65y=${ALICE}&b=2`, fields });
  assert.deepEqual(hidden.seen[0]!.fields, ['accept', '*/*', 'cookie', 'a=1; b=2']);
  assert.equal(hidden.seen[0]!.target, '/orders?a=1&b=2');
  const shown = await benchWith({ forward: true });
  await shown.send({ url: `/orders?key=${ALICE}`, fields });
  assert.deepEqual(shown.seen[0]!.fields, fields);
});

test('finds the key behind a scheme, in the query and in a cookie', async () => {
  const bench = await benchWith({ header: 'authorization', scheme: 'Bearer', query: 'key', cookie: 'key' });
  for (const request of [
    { fields: ['authorization', `Bearer ${ALICE}`] },
    { fields: ['authorization', `bearer   ${ALICE}`] },
    { url: `/?key=${ALICE}` },
    { url: `/?k%65y=${encodeURIComponent(ALICE).replaceAll('-', '%2D')}` },
    { fields: ['cookie', `key=${ALICE}`] },
    // Another scheme belongs to somebody else.
    { fields: ['authorization', 'Basic YTpi', 'cookie', `key=${ALICE}`] },
  ]) {
    const answer = await bench.send(request);
    assert.equal(answer.exchange.consumer?.name, 'alice', JSON.stringify(request));
  }
  assert.deepEqual(bench.seen.at(-1)!.fields, ['authorization', 'Basic YTpi']);
  const refused = await bench.send({ fields: ['authorization', `Basic ${ALICE}`] });
  assert.equal(refused.exchange.error?.code, 'GH_API_KEY_MISSING');
});

test('a key in the query is not shown in logs, whether it counts or not', async () => {
  const bench = await benchWith({ query: 'key' });
  for (const key of [ALICE, 'wrong']) {
    const { exchange } = await bench.send({ url: `/a?x=1&key=${key}&y=2` });
    assert.equal(exchange.shownTarget, '/a?x=1&key=[redacted]&y=2');
  }
  assert.equal((await bench.send({ url: '/a?x=1' })).exchange.shownTarget, undefined);
});

test('who shows no key is the anonymous consumer, where there is one; a wrong key stays wrong', async () => {
  const bench = await benchWith({ anonymous: 'guest' });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await bench.send({ fields: ['x-api-key', 'wrong'] })).status, 401);
});

test('a key counts only from the addresses of its consumer, and from elsewhere it is like any wrong one', async () => {
  const bench = await benchWith({});
  const fields = ['x-api-key', CAROL];
  for (const clientAddress of ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '2001:db8::1'])
    assert.equal((await bench.send({ fields, clientAddress })).exchange.consumer?.name, 'carol', clientAddress);
  const wrong = await bench.send({ fields: ['x-api-key', 'wrong'] });
  for (const clientAddress of ['9.255.255.255', '11.0.0.0', '2001:db9::1', '::1', '', 'unknown']) {
    const refused = await bench.send({ fields, clientAddress });
    assert.deepEqual([refused.status, refused.text, refused.fields], [401, wrong.text, wrong.fields], clientAddress);
    assert.equal(refused.exchange.consumer, undefined);
    assert.deepEqual(refused.exchange.error?.detail, { reason: 'address', consumer: 'carol', key: 'carol-…' });
  }
  // Others come from everywhere.
  assert.equal((await bench.send({ fields: ['x-api-key', ALICE], clientAddress: '9.9.9.9' })).status, 200);
});
