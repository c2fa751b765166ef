import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Consumer } from '#http/consumer.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { ServiceRequest } from '#pipeline/service-call.ts';
import { createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { opaPolicy } from './policy.ts';

const carol: Consumer = {
  name: 'carol@login.example.com',
  groups: ['staff'],
  scopes: ['orders:read'],
  roles: ['editor'],
  claims: { tenant: 'acme', level: 4 },
};

/** `answer`: the body of an answer, or its status, or `undefined` where nobody answers. */
async function benchWith(config: object, answer: unknown, consumer?: Consumer) {
  const asked: ServiceRequest[] = [];
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = consumer;
      return undefined;
    },
  });
  const planned = await plan(
    opaPolicy,
    { service: 'opa', path: '/v1/data/shop/allow', ...config },
    {
      callService: async (_exchange, _service, request) => {
        asked.push(request);
        if (answer === undefined) return upstreamErrors.unreachable();
        if (typeof answer === 'number') return { status: answer, fields: [], body: Buffer.from('{}') };
        return { status: 200, fields: [], body: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)) };
      },
    },
  );
  return { ...createPolicyBench({ policies: [identify, planned] }), asked };
}

test('tells what is asked, and by whom', async () => {
  const { send, asked } = await benchWith({ send: ['x-team'] }, { result: true }, carol);
  const { status } = await send({
    method: 'POST',
    url: '/orders/a%2Fb/7?a=1&b=x+y&a=2&__proto__=z',
    fields: ['x-team', 'one', 'x-team', 'two', 'authorization', 'secret'],
    scheme: 'https',
  });
  assert.equal(status, 200);
  const [question] = asked;
  assert.deepEqual(
    [question?.method, question?.target, question?.fields],
    ['POST', '/v1/data/shop/allow', ['content-type', 'application/json']],
  );
  const { input } = JSON.parse(question!.body!.toString()) as { input: Record<string, unknown> };
  assert.deepEqual(Object.entries(input['query'] as object), [
    ['a', ['1', '2']],
    ['b', ['x y']],
    ['__proto__', ['z']],
  ]);
  assert.deepEqual(
    { ...input, query: undefined },
    {
      method: 'POST',
      path: ['orders', 'a/b', '7'],
      query: undefined,
      headers: { 'x-team': ['one', 'two'] },
      host: 'shop.example.com',
      scheme: 'https',
      clientAddress: '198.51.100.7',
      route: 'tested',
      consumer: carol,
    },
  );
});

test('nobody is null', async () => {
  const { send, asked } = await benchWith({}, { result: true });
  await send();
  const { input } = JSON.parse(asked[0]!.body!.toString()) as { input: Record<string, unknown> };
  assert.equal(input['consumer'], null);
});

test('lets pass what the agent allows, and nothing else', async () => {
  for (const [answer, status] of [
    [{ result: true }, 200],
    [{ result: { allow: true } }, 200],
    [{ result: { allowed: true } }, 200],
    [{ result: false }, 403],
    [{ result: { allow: false } }, 403],
    [{ result: {} }, 403],
    [{ result: { allow: false, allowed: true } }, 403],
    // No rule applied.
    [{}, 403],
    [{ decision_id: 'a' }, 403],
    [{ result: { allow: 'true' } }, 503],
    [{ result: 1 }, 503],
    [{ result: 'true' }, 503],
    [{ result: null }, 503],
    [{ result: [true] }, 503],
    [[], 503],
    ['true', 503],
    ['{', 503],
    ['', 503],
    [404, 503],
    [500, 503],
    [undefined, 503],
  ] as const) {
    const { send, seen } = await benchWith({}, answer);
    const refused = await send();
    assert.equal(refused.status, status, JSON.stringify(answer));
    assert.equal(seen.length, status === 200 ? 1 : 0);
  }
});

test('takes along what the agent says, and never what the client says under these names', async () => {
  const result = { allow: true, headers: { 'X-User': 'carol', 'x-other': 'no', 'x-team': 'a\r\nb: c', 'x-list': ['a'] } };
  const { send, seen } = await benchWith({ forward: ['x-user', 'x-team', 'x-list'] }, { result });
  await send({ fields: ['x-user', 'root', 'x_team', 'root', 'x-list', 'root', 'accept', '*/*'] });
  assert.deepEqual(seen[0]?.fields, ['accept', '*/*', 'x-user', 'carol']);
});

test('refuses as the agent says, and tells the reason to the log alone', async () => {
  for (const [given, status] of [
    [{ status: 401 }, 401],
    [{ http_status: 404 }, 404],
    [{ status: 302 }, 302],
    [{ status: 200 }, 403],
    [{ status: 500 }, 403],
    [{ status: 499.5 }, 403],
    [{ status: '401' }, 403],
    [{}, 403],
  ] as const) {
    const result = { allow: false, reason: 'not your tenant', headers: { location: '/login', 'x-inner': 'a' }, ...given };
    const { send } = await benchWith({}, { result });
    const refused = await send();
    assert.equal(refused.status, status, JSON.stringify(given));
    assert.deepEqual(refused.exchange.error?.detail, { reason: 'not your tenant' });
    assert.doesNotMatch(refused.text, /tenant/);
    assert.deepEqual(refused.values('location'), ['/login']);
    assert.deepEqual(refused.values('x-inner'), []);
  }
});

test('only reports where it is told to, and fails open where it is told to', async () => {
  const reporting = await benchWith({ mode: 'report' }, { result: false });
  assert.equal((await reporting.send()).exchange.reported?.code, 'GH_OPA_DENIED');
  const open = await benchWith({ onFailure: 'allow' }, undefined);
  const passed = await open.send();
  assert.deepEqual([passed.status, passed.exchange.reported?.code], [200, 'GH_OPA_UNAVAILABLE']);
});

test('a decision is remembered for the same question only', async () => {
  const { send, asked } = await benchWith({ cache: { ttl: '1m' }, send: ['x-team'] }, { result: true }, carol);
  for (const request of [
    { url: '/a' },
    { url: '/a' },
    { url: '/b' },
    { url: '/a', fields: ['x-team', 'a'] },
    { url: '/a', fields: ['x-other', 'a'] },
  ])
    await send(request);
  assert.equal(asked.length, 3);
  const other = await benchWith({ cache: { ttl: '1m' } }, { result: true }, { ...carol, scopes: [] });
  await other.send({ url: '/a' });
  assert.equal(other.asked.length, 1);
});
