import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { Keeper } from '#base/keeper.ts';
import { Secret } from '#base/secret.ts';
import { ConsumerDirectory, type ConsumerSettings } from '#pipeline/consumer-directory.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { basicAuthPolicy } from './policy.ts';

const encode = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** As fast as is taken. */
function hashOf(password: string, salt = 'saltsalt'): string {
  return `$scrypt$ln=10,r=8,p=1$${encode(Buffer.from(salt))}$${encode(scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }))}`;
}

const ARGON2 = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
const consumers: ConsumerSettings = {
  alice: { groups: [], keys: [], password: new Secret(hashOf('pass:wörd')) },
  bob: { groups: [], keys: [], password: new Secret('a plain password') },
  carol: { groups: [], keys: [], password: new Secret(ARGON2) },
  guest: { groups: [], keys: [] },
};

const basic = (text: string) => ['authorization', `Basic ${Buffer.from(text).toString('base64')}`];

async function benchWith(config: object, settings = consumers, keeper = new Keeper()) {
  const services = { consumers: new ConsumerDirectory(settings), keeper };
  return createPolicyBench({ policies: [await plan(basicAuthPolicy, config, services)] });
}

test('lets through who shows name and password, whatever the password is kept as', async () => {
  const bench = await benchWith({});
  for (const [shown, name] of [
    ['alice:pass:wörd', 'alice'],
    ['bob:a plain password', 'bob'],
    ['carol:password', 'carol'],
  ] as const) {
    const answer = await bench.send({ fields: basic(shown) });
    assert.equal(answer.status, 200);
    assert.equal(answer.exchange.consumer?.name, name);
  }
});

test('asks for what is missing, in UTF-8', async () => {
  const bench = await benchWith({ realm: 'The shop' });
  for (const fields of [[], ['authorization', 'Bearer abc'], ['authorization', 'Basic'], ['authorization', 'Basicx YTpi']]) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.values('www-authenticate'), ['Basic realm="The shop", charset="UTF-8"']);
    assert.equal((answer.json() as { code: string }).code, 'GH_BASIC_AUTH_MISSING');
  }
});

test('answers everything that does not count alike, and logs why', async () => {
  const bench = await benchWith({});
  const answers = new Set<string>();
  for (const [fields, reason] of [
    [basic('alice:wrong'), 'wrong password'],
    [basic('alice:'), 'wrong password'],
    [basic('alice:PASS:WÖRD'), 'wrong password'],
    [basic('bob:wrong'), 'wrong password'],
    [basic(`alice:${hashOf('pass:wörd')}`), 'wrong password'],
    [basic(`carol:${ARGON2}`), 'wrong password'],
    [basic('nobody:pass:wörd'), 'unknown name'],
    [basic('guest:'), 'unknown name'],
    [basic('__proto__:x'), 'unknown name'],
    [basic(':x'), 'unknown name'],
    [basic('alice'), 'malformed'],
    [basic('alice:pass\u0000'), 'malformed'],
    [basic(`alice:${'x'.repeat(1_000)}`), 'malformed'],
    [['authorization', 'Basic !!!'], 'malformed'],
    [['authorization', 'Basic YWxpY2U6cGFzcw=== '], 'malformed'],
    [['authorization', `Basic ${Buffer.from('alice:pass:w\xf6rd', 'latin1').toString('base64')}`], 'malformed'],
    [[...basic('alice:pass:wörd'), ...basic('bob:a plain password')], 'several fields'],
  ] as const) {
    const answer = await bench.send({ fields: [...fields] });
    assert.equal(answer.status, 401, JSON.stringify(fields));
    assert.deepEqual(answer.exchange.error?.detail, { reason });
    assert.equal(answer.exchange.consumer, undefined);
    answers.add(answer.text);
  }
  assert.equal(answers.size, 1);
  assert.equal(bench.seen.length, 0);
});

test('a password that was right is known at once, until it is replaced', async () => {
  const keeper = new Keeper();
  const fields = basic('alice:pass:wörd');
  const bench = await benchWith({}, consumers, keeper);
  await bench.send({ fields });
  // What has to wait has no answer yet.
  assert.equal(bench.start({ fields }).exchange.status, 200);
  const reloaded = await benchWith({}, consumers, keeper);
  assert.equal(reloaded.start({ fields }).exchange.status, 200);
  const replaced = await benchWith({}, { alice: { groups: [], keys: [], password: new Secret(hashOf('another one')) } }, keeper);
  assert.equal((await replaced.send({ fields })).status, 401);
  const removed = await benchWith({}, { guest: { groups: [], keys: [] } }, keeper);
  assert.equal((await removed.send({ fields })).status, 401);
});

test('one that was wrong is looked at each time', async () => {
  const bench = await benchWith({});
  const fields = basic('alice:wrong');
  await bench.send({ fields });
  const again = bench.start({ fields });
  assert.equal(again.exchange.status, 0);
  assert.equal((await again.answer).status, 401);
});

test('a flood of wrong passwords is sent away, and keeps nobody out who is known', async () => {
  const bench = await benchWith({});
  await bench.send({ fields: basic('alice:pass:wörd') });
  const flood = Array.from({ length: 60 }, (_, i) =>
    bench.start({ fields: basic(`alice:wrong ${i}`), clientAddress: `198.51.100.${i}` }),
  );
  assert.equal(bench.start({ fields: basic('alice:pass:wörd') }).exchange.status, 200);
  const statuses = (await Promise.all(flood.map(({ answer }) => answer))).map(({ status }) => status);
  // One is looked at and 32 wait.
  assert.equal(statuses.filter((status) => status === 401).length, 33);
  assert.equal(statuses.filter((status) => status === 503).length, 27);
  const [busy] = await Promise.all(flood.slice(-1).map(({ answer }) => answer));
  assert.deepEqual(busy!.values('retry-after'), ['1']);
  // Afterwards there is room again.
  assert.equal((await bench.send({ fields: basic('bob:a plain password') })).status, 200);
});

test('one client that guesses leaves room for others, also one with a whole network of IPv6', async () => {
  for (const toAddress of [() => '198.51.100.7', (i: number) => `2001:db8:7:8::${i}`]) {
    const bench = await benchWith({});
    const guess = (_: unknown, i: number) => bench.start({ fields: basic(`alice:wrong ${i}`), clientAddress: toAddress(i) });
    const guesses = Array.from({ length: 10 }, guess);
    const other = bench.start({ fields: basic('alice:pass:wörd'), clientAddress: '2001:db8:7:9::1' });
    assert.equal((await other.answer).status, 200);
    const statuses = (await Promise.all(guesses.map(({ answer }) => answer))).map(({ status }) => status);
    assert.deepEqual(statuses, [401, 401, 401, 401, 503, 503, 503, 503, 503, 503]);
  }
});

test('the same password shown many times at once is looked at once', async () => {
  const bench = await benchWith({});
  const all = Array.from({ length: 50 }, () => bench.start({ fields: basic('alice:pass:wörd') }).answer);
  for (const { status } of await Promise.all(all)) assert.equal(status, 200);
});

test('the service does not see the password unless it is meant to', async () => {
  const fields = ['accept', '*/*', ...basic('bob:a plain password')];
  const hidden = await benchWith({});
  await hidden.send({ fields });
  assert.deepEqual(hidden.seen[0]!.fields, ['accept', '*/*']);
  const shown = await benchWith({ forward: true });
  await shown.send({ fields });
  assert.deepEqual(shown.seen[0]!.fields, fields);
  const anonymous = await benchWith({ anonymous: 'guest' });
  await anonymous.send({ fields: ['authorization', 'Bearer abc'] });
  assert.deepEqual(anonymous.seen[0]!.fields, ['authorization', 'Bearer abc']);
});

test('who shows no password is the anonymous consumer, where there is one; a wrong one stays wrong', async () => {
  const bench = await benchWith({ anonymous: 'guest' });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await bench.send({ fields: basic('alice:wrong') })).status, 401);
});
