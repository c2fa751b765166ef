import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyBench, plan, planPhases, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { corsErrors } from './errors.ts';
import { corsPolicy } from './policy.ts';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.test';

async function benchWith(config: object, answer: UpstreamAnswer = {}) {
  return createPolicyBench({ policies: [await plan(corsPolicy, { origins: [APP], ...config })], upstream: () => answer });
}

const preflight = (origin: string, ...fields: string[]) => ({
  method: 'OPTIONS',
  fields: ['origin', origin, 'access-control-request-method', 'PUT', ...fields],
});

test('tells a page that it may read the answer, and caches that it depends on the page', async () => {
  const bench = await benchWith({ expose: ['x-total'], credentials: true });
  const answer = await bench.send({ fields: ['origin', APP] });
  assert.deepEqual(answer.fields, [
    ...['vary', 'origin', 'access-control-allow-origin', APP],
    ...['access-control-allow-credentials', 'true', 'access-control-expose-headers', 'x-total'],
  ]);
  assert.deepEqual((await bench.send()).fields, ['vary', 'origin']);
});

test('says nothing to pages that are not named, and lets their requests pass as those of everybody', async () => {
  const bench = await benchWith({ credentials: true });
  for (const fields of [
    ['origin', EVIL],
    ['origin', 'null'],
    ['origin', ''],
    ['origin', APP.toUpperCase()],
    ['origin', `${APP}.evil.test`],
    ['origin', APP, 'origin', EVIL],
  ]) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.fields, ['vary', 'origin'], JSON.stringify(fields));
  }
});

test('with every origin, the answer is the same for all of them', async () => {
  const bench = await benchWith({ origins: '*', expose: '*' });
  const { fields } = await bench.send({ fields: ['origin', EVIL] });
  assert.deepEqual(fields, ['access-control-allow-origin', '*', 'access-control-expose-headers', '*']);
});

test('answers a preflight itself', async () => {
  const bench = await benchWith({
    methods: ['GET', 'PUT'],
    headers: ['x-team'],
    credentials: true,
    maxAge: '1m',
    expose: ['x-total'],
  });
  const answer = await bench.send(preflight(APP, 'access-control-request-headers', 'x-team'));
  assert.equal(answer.status, 204);
  assert.deepEqual(answer.fields, [
    ...['access-control-allow-methods', 'GET, PUT', 'access-control-allow-headers', 'x-team', 'access-control-max-age', '60'],
    ...['vary', 'Access-Control-Request-Method, Access-Control-Request-Headers, origin'],
    ...['access-control-allow-origin', APP, 'access-control-allow-credentials', 'true'],
  ]);
  assert.equal(bench.seen.length, 0);
});

test('allows the fields that a page asks for, as far as they are names of fields', async () => {
  const bench = await benchWith({});
  const allowed = async (names: string) =>
    (await bench.send(preflight(APP, 'access-control-request-headers', names))).values('access-control-allow-headers');
  assert.deepEqual(await allowed('authorization, x-team,x-other'), ['authorization, x-team,x-other']);
  for (const names of ['', 'a b', 'x-team; evil', 'a,,b', '<script>', 'x'.repeat(5_000)])
    assert.deepEqual(await allowed(names), []);
});

test('refuses the preflight of a page that is not named', async () => {
  const bench = await benchWith({});
  for (const origin of [EVIL, 'null']) {
    const answer = await bench.send(preflight(origin));
    assert.equal(answer.status, 403);
    assert.deepEqual(answer.values('access-control-allow-origin'), []);
    assert.equal(answer.exchange.error?.code, 'GH_CORS_ORIGIN_REFUSED');
  }
  assert.equal(bench.seen.length, 0);
});

test('an OPTIONS request that is no preflight goes on', async () => {
  const bench = await benchWith({});
  await bench.send({ method: 'OPTIONS', fields: ['origin', APP] });
  await bench.send({ method: 'OPTIONS', fields: ['access-control-request-method', 'PUT'] });
  await bench.send({ method: 'POST', fields: ['origin', APP, 'access-control-request-method', 'PUT'] });
  assert.equal(bench.seen.length, 3);
});

test('allows private networks only where that is configured and asked', async () => {
  const asked = preflight(APP, 'access-control-request-private-network', 'true');
  const name = 'access-control-allow-private-network';
  assert.deepEqual((await (await benchWith({})).send(asked)).values(name), []);
  const bench = await benchWith({ privateNetwork: true });
  assert.deepEqual((await bench.send(asked)).values(name), ['true']);
  assert.deepEqual((await bench.send(preflight(APP))).values(name), []);
});

test('what a service says of origins is replaced', async () => {
  const bench = await benchWith(
    {},
    { fields: ['access-control-allow-origin', '*', 'Access-Control-Max-Age'.toLowerCase(), '1', 'vary', 'Origin'] },
  );
  assert.deepEqual((await bench.send({ fields: ['origin', EVIL] })).fields, ['vary', 'Origin']);
  assert.deepEqual((await bench.send({ fields: ['origin', APP] })).values('access-control-allow-origin'), [APP]);
});

test('refusals of policies behind it can be read by pages too', async () => {
  const refusing = planPhases({ requestHead: () => corsErrors.originRefused() });
  const bench = createPolicyBench({ policies: [await plan(corsPolicy, { origins: [APP] }), refusing] });
  const answer = await bench.send({ fields: ['origin', APP] });
  assert.equal(answer.status, 403);
  assert.deepEqual(answer.values('access-control-allow-origin'), [APP]);
  assert.equal((await bench.send(preflight(APP))).status, 204);
});
