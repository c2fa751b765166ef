import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keeper } from '#base/keeper.ts';
import { type HttpCall, HttpCallFailed } from '#net/http-call.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchAnswer, createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { introspectionPolicy } from './policy.ts';

const SECRET = 'only-in-this-test: ä';
const least = { endpoint: 'https://login.example.com/introspect', clientId: 'gate house', clientSecret: SECRET };

type Said = object | string | number | Error | (() => Promise<object>);

/** A server that says of a token what is written for it, and of others that they do not count. */
async function setUp(config: object = {}, consumers = {}) {
  const clock = new FakeClock();
  const asked: HttpCall[] = [];
  const said = new Map<string, Said>();
  const events: unknown[] = [];
  const services = createPolicyServices({
    clock,
    keeper: new Keeper(),
    consumers: new ConsumerDirectory(consumers),
    logger: { log: (_level, message, fields) => void events.push([message, fields]) },
    callHttp: async (call) => {
      asked.push(call);
      const token = new URLSearchParams(call.body).get('token')!;
      let answer = said.get(token) ?? { active: false };
      if (typeof answer === 'function') answer = await answer();
      if (answer instanceof Error) throw answer;
      if (typeof answer === 'number') return { status: answer, headers: {}, text: '' };
      return { status: 200, headers: {}, text: typeof answer === 'string' ? answer : JSON.stringify(answer) };
    },
  });
  const settings = { ...least, ...config };
  const bench = createPolicyBench({ policies: [await plan(introspectionPolicy, settings, services)] });
  const show = (token: string): Promise<BenchAnswer> => bench.send({ fields: ['authorization', `Bearer ${token}`] });
  return { bench, clock, asked, said, events, services, settings, show };
}

const reasonOf = ({ exchange }: BenchAnswer) => exchange.error?.detail?.['reason'];
const ann = { active: true, sub: 'ann', scope: 'orders:read', client_id: 'web', groups: ['gold'] };

test('lets through whose token the server knows, and asks once for a while', async () => {
  const { show, said, asked, clock } = await setUp();
  said.set('t1', ann);
  for (let i = 0; i < 3; i += 1) {
    const { status, exchange } = await show('t1');
    assert.equal(status, 200);
    assert.equal(exchange.consumer?.name, 'ann@login.example.com');
    assert.deepEqual([exchange.consumer?.scopes, exchange.consumer?.groups], [['orders:read'], ['gold']]);
    assert.equal(exchange.consumer?.claims['client_id'], 'web');
  }
  assert.equal(asked.length, 1);
  clock.advance(59_999);
  await show('t1');
  assert.equal(asked.length, 1);
  clock.advance(1);
  said.delete('t1');
  assert.equal(reasonOf(await show('t1')), 'inactive');
  assert.equal(asked.length, 2);
});

test('asks as the standard says, and shows its secret nowhere else', async () => {
  const { show, asked } = await setUp();
  const answer = await show('a+b/c=');
  const [{ url, method, headers, body, timeoutMs, bytesMax }] = asked as [HttpCall];
  assert.deepEqual([url, method, timeoutMs, bytesMax], [least.endpoint, 'POST', 3_000, 65_536]);
  assert.equal(body, 'token=a%2Bb%2Fc%3D&token_type_hint=access_token');
  assert.equal(headers?.['content-type'], 'application/x-www-form-urlencoded');
  // RFC 6749 §2.3.1: encoded as in forms before it is joined.
  const basic = Buffer.from(headers!['authorization']!.slice('Basic '.length), 'base64').toString();
  assert.equal(basic, 'gate+house:only-in-this-test%3A+%C3%A4');
  assert.equal(JSON.stringify([answer.text, answer.exchange.error?.detail]).includes(SECRET), false);
});

test('sends the secret in the body where the server knows no other way', async () => {
  const { show, asked } = await setUp({ clientAuthentication: 'post', hint: 'refresh_token' });
  await show('t1');
  const sent = new URLSearchParams(asked[0]!.body);
  assert.deepEqual(
    [sent.get('client_id'), sent.get('client_secret'), sent.get('token_type_hint')],
    ['gate house', SECRET, 'refresh_token'],
  );
  assert.equal(asked[0]!.headers?.['authorization'], undefined);
});

test('refuses whose token does not count, always in the same words, and asks no more about it for a while', async () => {
  const { show, said, asked, clock } = await setUp({
    issuer: 'https://login.example.com/',
    audience: ['shop', 'api'],
    claims: { team: 'a' },
  });
  const good = { ...ann, aud: ['x', 'shop'], team: ['a', 'b'], iss: 'https://login.example.com/' };
  const now = Math.floor(clock.wallMs() / 1_000);
  const answers = new Set<string>();
  for (const [i, [claims, reason]] of (
    [
      [{ ...good, active: 'true' }, 'inactive'],
      [{ ...good, active: 1 }, 'inactive'],
      [{ sub: 'ann' }, 'inactive'],
      [{ ...good, aud: 'shop2' }, 'claim aud'],
      [{ ...good, aud: undefined }, 'claim aud'],
      [{ ...good, team: 'c' }, 'claim team'],
      [{ ...good, iss: 'https://evil.example.com/' }, 'issuer'],
      [{ ...good, exp: now - 30 }, 'expired'],
      [{ ...good, nbf: now + 31 }, 'claim nbf'],
      [{ ...good, sub: undefined }, 'subject'],
      [{ ...good, sub: 'a\nb' }, 'subject'],
    ] as const
  ).entries()) {
    said.set(`t${i}`, claims);
    const answer = await show(`t${i}`);
    assert.deepEqual([answer.status, reasonOf(answer)], [401, reason], JSON.stringify(claims));
    assert.deepEqual(answer.values('www-authenticate'), ['Bearer realm="gatehouse", error="invalid_token"']);
    answers.add(answer.text);
    const count = asked.length;
    said.set(`t${i}`, good);
    assert.equal((await show(`t${i}`)).status, 401);
    assert.equal(asked.length, count);
  }
  assert.equal(answers.size, 1);
  clock.advance(10_000);
  assert.equal((await show('t0')).status, 200);
});

test('what could be no token is not asked about', async () => {
  const { show, asked, bench } = await setUp();
  for (const [token, reason] of [
    ['a b', 'not a token'],
    ['a,b', 'not a token'],
    ['a\u00e4', 'not a token'],
    ['=', 'not a token'],
    ['x'.repeat(16_385), 'too long'],
  ] as const)
    assert.equal(reasonOf(await show(token)), reason);
  for (const fields of [[], ['authorization', 'Basic YTpi']])
    assert.equal((await bench.send({ fields })).exchange.error?.code, 'GH_INTROSPECTION_MISSING');
  assert.equal(asked.length, 0);
});

test('an answer counts no longer than the token', async () => {
  const { show, said, asked, clock } = await setUp({ ttl: '1h', staleFor: '1h' });
  said.set('t1', { ...ann, exp: Math.floor(clock.wallMs() / 1_000) + 100 });
  assert.equal((await show('t1')).status, 200);
  clock.advance(129_000);
  assert.equal((await show('t1')).status, 200);
  assert.equal(asked.length, 1);
  clock.advance(1_000);
  assert.equal(reasonOf(await show('t1')), 'expired');
});

test('those who show the same token at the same time wait for the same answer', async () => {
  const { show, said, asked } = await setUp();
  const { promise, resolve } = Promise.withResolvers<object>();
  said.set('t1', () => promise);
  const waiting = [show('t1'), show('t1'), show('t1')];
  resolve(ann);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(asked.length, 1);
});

test('while the server cannot be asked nobody new gets in, and it is not called their fault', async () => {
  for (const failure of [new HttpCallFailed('ECONNREFUSED'), 500, 401, 204, '<html>', '[]', 'null'] as const) {
    const { show, said, events, clock } = await setUp();
    said.set('t1', failure);
    const answer = await show('t1');
    assert.equal(answer.status, 503, String(failure));
    assert.equal((answer.json() as { code: string }).code, 'GH_INTROSPECTION_UNAVAILABLE');
    assert.deepEqual(answer.values('retry-after'), ['1']);
    assert.equal(events.length, 1);
    said.set('t1', ann);
    assert.equal((await show('t1')).status, 200);
    // A token that was known is not, once its time is over.
    clock.advance(60_000);
    said.set('t1', failure);
    assert.equal((await show('t1')).status, 503);
  }
});

test('tokens that are known go on counting for as long as they are told to while the server cannot be asked', async () => {
  const { show, said, asked, clock } = await setUp({ ttl: '10s', staleFor: '1m' });
  said.set('t1', ann);
  await show('t1');
  said.set('t1', 500);
  clock.advance(10_000);
  assert.equal((await show('t1')).status, 200);
  assert.equal((await show('t1')).status, 200);
  assert.equal(asked.length, 2);
  clock.advance(59_999);
  assert.equal((await show('t1')).status, 200);
  clock.advance(1);
  assert.equal((await show('t1')).status, 503);
  said.set('t1', { active: false });
  assert.equal((await show('t1')).status, 401);
});

test('who makes up tokens makes us ask so many questions at once and no more', async () => {
  const { show, said, asked } = await setUp();
  const { promise, resolve } = Promise.withResolvers<object>();
  const waiting = Array.from({ length: 300 }, (_, i) => {
    said.set(`t${i}`, () => promise);
    return show(`t${i}`);
  });
  await new Promise(setImmediate);
  assert.equal(asked.length, 256);
  resolve({ active: false });
  const statuses = (await Promise.all(waiting)).map(({ status }) => status);
  assert.deepEqual(
    [statuses.filter((status) => status === 401).length, statuses.filter((status) => status === 503).length],
    [256, 44],
  );
  assert.equal((await show('t299')).status, 401);
});

test('a reload asks nothing anew, and another secret or audience does', async () => {
  const { bench, show, said, asked, services, settings } = await setUp();
  said.set('t1', ann);
  await show('t1');
  const consumers = new ConsumerDirectory({ ann: { groups: [], keys: [], subjects: ['ann@login.example.com'] } });
  bench.reload([
    await plan(introspectionPolicy, { ...settings, anonymous: undefined, forward: false }, { ...services, consumers }),
  ]);
  assert.equal((await show('t1')).exchange.consumer?.name, 'ann');
  assert.deepEqual([asked.length, bench.seen.at(-1)!.fields], [1, []]);
  bench.reload([await plan(introspectionPolicy, { ...settings, audience: 'shop' }, services)]);
  assert.equal(reasonOf(await show('t1')), 'claim aud');
});

test('who shows no token is the anonymous consumer, where there is one; a wrong token stays wrong', async () => {
  const { bench, show } = await setUp({ anonymous: 'guest' }, { guest: { groups: [], keys: [] } });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await show('wrong')).status, 401);
});

test('places that read claims differently, or trust an answer for another time, share no memory', async () => {
  const { show, said, asked, services, settings, clock } = await setUp({ ttl: '10m' });
  const showAt = async (config: object) => {
    const bench = createPolicyBench({ policies: [await plan(introspectionPolicy, { ...settings, ...config }, services)] });
    return bench.send({ fields: ['authorization', 'Bearer t1'] });
  };
  said.set('t1', { ...ann, teams: ['red'] });
  assert.deepEqual((await show('t1')).exchange.consumer?.groups, ['gold']);
  assert.deepEqual((await showAt({ claimNames: { groups: 'teams' } })).exchange.consumer?.groups, ['red']);
  assert.deepEqual((await show('t1')).exchange.consumer?.groups, ['gold']);
  assert.equal((await showAt({ ttl: '5s' })).status, 200);
  clock.advance(5_000);
  said.set('t1', { active: false });
  assert.equal((await showAt({ ttl: '5s' })).status, 401);
  assert.equal((await show('t1')).status, 200);
  assert.equal(asked.length, 4);
});
