import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { authorizePolicy } from './policy.ts';

const alice = toPlainConsumer('alice', ['gold', 'beta']);
const bob = toPlainConsumer('bob', ['silver']);
const guest = toPlainConsumer('guest', []);

/** Somebody that a token tells of. */
const carol: Consumer = {
  name: 'carol@login.example.com',
  groups: ['staff'],
  scopes: ['orders:read', 'orders:write'],
  roles: ['editor'],
  claims: { tenant: 'acme', level: 4, admin: true, amr: ['pwd', 'otp'], realm_access: { roles: ['buyer'] }, 'a.b': 'c' },
};

/** Whoever asks has been found out by another policy. */
async function ask(config: unknown, consumer: Consumer | undefined, request: BenchRequest = {}) {
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = consumer;
      return undefined;
    },
  });
  const bench = createPolicyBench({ policies: [identify, await plan(authorizePolicy, config)], path: '/:tenant/*' });
  const answer = await bench.send({ url: '/acme/orders', ...request });
  return { ...answer, sent: bench.seen.length };
}

test('lets pass who is named, by name, by group, or by both where both are asked for', async () => {
  for (const [config, consumer, status] of [
    [{ consumers: ['alice'] }, alice, 200],
    [{ consumers: ['bob', 'alice'] }, alice, 200],
    [{ consumers: ['alice'] }, bob, 403],
    [{ groups: ['gold'] }, alice, 200],
    [{ groups: ['silver', 'beta'] }, alice, 200],
    [{ groups: ['gold'] }, bob, 403],
    [{ groups: ['gold'] }, guest, 403],
    [{ groups: ['alice'] }, alice, 403],
    [{ consumers: ['alice', 'bob'], groups: ['silver'] }, bob, 200],
    [{ consumers: ['alice', 'bob'], groups: ['silver'] }, alice, 403],
    [{ consumers: ['guest'] }, guest, 200],
    [{ groups: ['gold'] }, undefined, 403],
  ] as const) {
    const answer = await ask(config, consumer);
    assert.equal(answer.status, status, JSON.stringify({ config, consumer }));
    assert.equal(answer.sent, status === 200 ? 1 : 0);
  }
});

test('logs why, and does not say it', async () => {
  for (const [config, consumer, detail] of [
    [{ consumers: ['alice'] }, bob, { reason: 'consumer', consumer: 'bob' }],
    [{ groups: ['gold'] }, bob, { reason: 'group', consumer: 'bob' }],
    [{ groups: ['gold'] }, undefined, { reason: 'no consumer', consumer: undefined }],
  ] as const) {
    const { exchange, text } = await ask(config, consumer);
    assert.deepEqual(exchange.error?.detail, detail);
    assert.equal((JSON.parse(text) as { detail: string }).detail, 'Whoever asks may not do this.');
  }
});

test('only reports where it is told to', async () => {
  const { status, exchange } = await ask({ groups: ['gold'], mode: 'report' }, bob);
  assert.equal(status, 200);
  assert.equal(exchange.error, undefined);
  assert.equal(exchange.reported?.code, 'GH_AUTHORIZE_DENIED');
  assert.equal((await ask({ groups: ['gold'], mode: 'report' }, alice)).exchange.reported, undefined);
});

test('asks for roles, scopes and claims, each as it is written', async () => {
  for (const [config, consumer, status] of [
    [{ roles: ['admin', 'editor'] }, carol, 200],
    [{ roles: ['admin'] }, carol, 403],
    [{ roles: ['editor'] }, alice, 403],
    [{ scopes: ['orders:read', 'orders:write'] }, carol, 200],
    [{ scopes: ['orders:read', 'orders:delete'] }, carol, 403],
    [{ scopes: { anyOf: ['orders:delete', 'orders:read'] } }, carol, 200],
    [{ scopes: { anyOf: ['orders:delete', 'orders:list'] } }, carol, 403],
    [{ scopes: ['orders'] }, carol, 403],
    [{ claims: { tenant: 'acme' } }, carol, 200],
    [{ claims: { tenant: ['shop', 'acme'] } }, carol, 200],
    [{ claims: { tenant: 'Acme' } }, carol, 403],
    [{ claims: { level: 4 } }, carol, 200],
    [{ claims: { level: '4' } }, carol, 403],
    [{ claims: { admin: true } }, carol, 200],
    [{ claims: { admin: 'true' } }, carol, 403],
    [{ claims: { amr: 'otp' } }, carol, 200],
    [{ claims: { amr: ['hwk', 'otp'] } }, carol, 200],
    [{ claims: { amr: 'hwk' } }, carol, 403],
    [{ claims: { 'realm_access.roles': 'buyer' } }, carol, 200],
    [{ claims: { 'a.b': 'c' } }, carol, 200],
    [{ claims: { tenant: 'acme', level: 5 } }, carol, 403],
    [{ claims: { missing: 'x' } }, carol, 403],
    [{ claims: { constructor: 'x' } }, carol, 403],
    [{ claims: { '__proto__.x': 'x' } }, carol, 403],
    [{ claims: { tenant: 'acme' } }, alice, 403],
    [{ claims: { tenant: 'acme' } }, undefined, 403],
    // Different kinds all have to hold.
    [{ roles: ['editor'], scopes: ['orders:read'], claims: { tenant: 'acme' }, groups: ['staff'] }, carol, 200],
    [{ roles: ['editor'], scopes: ['orders:read'], claims: { tenant: 'acme' }, groups: ['gold'] }, carol, 403],
  ] as const)
    assert.equal((await ask(config, consumer)).status, status, JSON.stringify({ config, consumer: consumer?.name }));
});

test('says which scope a token would need, to whoever has shown one', async () => {
  const all = await ask({ scopes: ['orders:read', 'orders:delete'] }, carol);
  assert.equal(all.exchange.error?.code, 'GH_AUTHORIZE_INSUFFICIENT_SCOPE');
  assert.deepEqual(all.values('www-authenticate'), ['Bearer error="insufficient_scope", scope="orders:read orders:delete"']);
  const any = await ask({ scopes: { anyOf: ['orders:delete', 'orders:purge'] } }, carol);
  assert.deepEqual(any.values('www-authenticate'), ['Bearer error="insufficient_scope", scope="orders:delete"']);
  for (const consumer of [alice, undefined]) {
    const other = await ask({ scopes: ['orders:delete'] }, consumer);
    assert.equal(other.exchange.error?.code, 'GH_AUTHORIZE_DENIED');
    assert.deepEqual(other.values('www-authenticate'), []);
  }
  const role = await ask({ roles: ['admin'], scopes: ['orders:read'] }, carol);
  assert.deepEqual(role.values('www-authenticate'), []);
});

test('asks an expression about the request and whoever sends it', async () => {
  const ownTenant = 'request.path.startsWith("/" + consumer.claims.tenant + "/")';
  for (const [expression, consumer, url, status] of [
    [ownTenant, carol, '/acme/orders', 200],
    [ownTenant, carol, '/other/orders', 403],
    // The path is what routes and services see, however it was written.
    [ownTenant, carol, '/acme/../other/orders', 403],
    [ownTenant, carol, '/%61cme/orders', 200],
    [ownTenant, alice, '/acme/orders', 403],
    [ownTenant, undefined, '/acme/orders', 403],
    ['path.tenant == consumer.claims.tenant', carol, '/acme/orders', 200],
    ['path.tenant == consumer.claims.tenant', carol, '/other/orders', 403],
    ['route == "tested" && request.query.dry == "1"', undefined, '/acme/orders?dry=1', 200],
    ['route == "tested" && request.query.dry == "1"', undefined, '/acme/orders?dry=0', 403],
    ['consumer == null || "gold" in consumer.groups', undefined, '/acme/orders', 200],
    ['consumer == null || "gold" in consumer.groups', alice, '/acme/orders', 200],
    ['consumer == null || "gold" in consumer.groups', bob, '/acme/orders', 403],
    // Neither true nor false.
    ['consumer.claims.tenant', carol, '/acme/orders', 403],
  ] as const)
    assert.equal((await ask({ expression }, consumer, { url })).status, status, `${expression} ${url}`);
});

test('an expression that cannot be evaluated denies, and the log has the reason', async () => {
  const denied = await ask({ expression: 'consumer.claims.level > 3' }, alice);
  assert.equal(denied.status, 403);
  assert.deepEqual(denied.exchange.error?.detail, {
    reason: 'expression',
    consumer: 'alice',
    failure: 'no such key: level',
  });
  assert.doesNotMatch(denied.text, /level/);
  const untrue = await ask({ expression: 'consumer.claims.level > 4' }, carol);
  assert.deepEqual(untrue.exchange.error?.detail, { reason: 'expression', consumer: carol.name });
});

test('an expression waits for its language once, and for nothing afterwards', async () => {
  const planned = await plan(authorizePolicy, { expression: 'request.method == "GET"' });
  const bench = createPolicyBench({ policies: [planned] });
  assert.equal((await bench.send()).status, 200);
  bench.start();
  assert.equal(bench.seen.length, 2, 'the second one is with the service at once');
  assert.equal((await bench.send({ method: 'DELETE' })).status, 403);
});

test('reports by every rule, and refuses by none', async () => {
  for (const rule of [
    { roles: ['admin'] },
    { scopes: ['orders:delete'] },
    { claims: { tenant: 'shop' } },
    { expression: 'request.path == "/nowhere"' },
    { expression: 'consumer.claims.missing == 1' },
  ]) {
    const { status, exchange } = await ask({ ...rule, mode: 'report' }, carol);
    assert.equal(status, 200, JSON.stringify(rule));
    assert.match(exchange.reported?.code ?? '', /^GH_AUTHORIZE_/);
  }
});
