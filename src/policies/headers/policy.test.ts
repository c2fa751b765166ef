import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { RedirectTerminal } from '#reply/redirect.ts';
import { RespondTerminal } from '#reply/respond.ts';
import { parseTemplate } from '#schema/template.ts';
import { createPolicyBench, type PolicyBenchOptions, plan, planPhases, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { headersPolicy } from './policy.ts';

async function benchWith(config: unknown, options: Omit<PolicyBenchOptions, 'policies'> = {}) {
  return createPolicyBench({ policies: [await plan(headersPolicy, config)], ...options });
}

function toTemplate(text: string) {
  const reading = parseTemplate(text);
  assert.ok('value' in reading);
  return reading.value;
}

test('sets, adds and removes fields of what the service receives', async () => {
  const bench = await benchWith({
    request: { set: { 'X-Tenant': 'acme', 'x-new': '1' }, add: { 'x-list': 'c' }, remove: ['Cookie'] },
  });
  const fields = ['cookie', 'a=1', 'x-tenant', 'old', 'x-list', 'a', 'cookie', 'b=2', 'x-tenant', 'older', 'x-list', 'b'];
  await bench.send({ fields });
  assert.deepEqual(bench.seen[0]?.fields, ['x-list', 'a', 'x-list', 'b', 'x-tenant', 'acme', 'x-new', '1', 'x-list', 'c']);
});

test('sets, adds and removes fields of what the client receives', async () => {
  const upstream = (): UpstreamAnswer => ({ fields: ['server', 'x/1', 'vary', 'accept', 'x-a', '1'] });
  const bench = await benchWith(
    { response: { set: { 'x-a': '2' }, add: { vary: 'origin' }, remove: ['server', 'absent'] } },
    { upstream },
  );
  const answer = await bench.send();
  assert.deepEqual(answer.fields, ['vary', 'accept', 'x-a', '2', 'vary', 'origin']);
});

test('what a service could take for a field that is set or removed comes from no client', async () => {
  const bench = await benchWith({ request: { set: { 'x-user': 'ann' }, remove: ['x-secret-key'], add: { 'x-b-c': '1' } } });
  await bench.send({ fields: ['x_user', 'eve', 'x_secret-key', 'a', 'x_b-c', '2', 'x_users', '3'] });
  assert.deepEqual(bench.seen[0]?.fields, ['x_b-c', '2', 'x_users', '3', 'x-user', 'ann', 'x-b-c', '1']);
});

test('renames fields of both sides with all their lines, in the place of what has the new name', async () => {
  const bench = await benchWith(
    { request: { rename: { 'X-Old': 'x-new', 'x-none': 'x-taken' } }, response: { rename: { 'x-up': 'x-down' } } },
    { upstream: () => ({ fields: ['x-up', '1', 'x-down', 'old', 'x-up', '2'] }) },
  );
  const answer = await bench.send({
    fields: ['x-old', '1', 'x_new', 'forged', 'x-new', 'forged', 'x-old', '2', 'x-taken', 'forged'],
  });
  assert.deepEqual(bench.seen[0]?.fields, ['x-new', '1', 'x-new', '2']);
  assert.deepEqual(answer.fields, ['x-down', '1', 'x-down', '2']);
});

test('leaves each side alone that is not configured', async () => {
  const upstream = (): UpstreamAnswer => ({ fields: ['x-a', 'upstream'] });
  const requestOnly = await benchWith({ request: { set: { 'x-a': 'set' } } }, { upstream });
  assert.deepEqual((await requestOnly.send()).fields, ['x-a', 'upstream']);
  const responseOnly = await benchWith({ response: { set: { 'x-a': 'set' } } }, { upstream });
  await responseOnly.send({ fields: ['x-a', 'client'] });
  assert.deepEqual(responseOnly.seen[0]?.fields, ['x-a', 'client']);
});

test('removes before it sets, and sets before it adds', async () => {
  const bench = await benchWith({ response: { add: { 'x-a': 'added' }, set: { 'x-a': 'set' }, remove: ['x-a'] } });
  assert.deepEqual((await bench.send()).values('x-a'), ['set', 'added']);
});

test('does not change the request that templates and other policies see', async () => {
  const bench = await benchWith({
    request: { set: { 'x-b': '${header.x-a}', 'x-a': 'changed' }, remove: ['x-a'] },
    response: { set: { 'x-seen': '${header.x-a}' } },
  });
  const answer = await bench.send({ fields: ['x-a', 'original'] });
  assert.deepEqual(bench.seen[0]?.fields, ['x-b', 'original', 'x-a', 'changed']);
  assert.deepEqual(answer.values('x-seen'), ['original']);
});

test('fills in every variable', async () => {
  const names = [
    'path',
    'path.id',
    'path.*',
    'query',
    'query.q',
    'header.x-a',
    'header.host',
    'header.none',
    'host',
    'authority',
  ];
  const others = ['scheme', 'method', 'clientIp', 'requestId'];
  const value = [...names, ...others].map((name) => `\${${name}}`).join(' | ');
  const bench = await benchWith({ request: { set: { 'x-all': value } } }, { path: '/orders/:id/*' });
  await bench.send({ method: 'POST', url: '/orders/7/a/b?q=x%20y&z', fields: ['x-a', '1'], host: 'Shop.example.com:8080' });
  assert.deepEqual(bench.seen[0]?.fields.slice(-2), [
    'x-all',
    '/orders/7/a/b | 7 | a/b | q=x y&z | x y | 1 | Shop.example.com:8080 |  | shop.example.com | Shop.example.com:8080 | http | POST | 198.51.100.7 | bench-request',
  ]);
});

const injections: readonly (readonly [string, string])[] = [
  ['a captured segment', '/a%0d%0ax-evil:%201?q=1'],
  ['a captured segment with a bare line feed', '/a%0ax-evil:%201?q=1'],
  ['a parameter', '/a?q=1%0D%0Ax-evil:%201'],
  ['a NUL in a parameter', '/a?q=1%00x-evil:%201'],
];

for (const [what, url] of injections) {
  test(`a line end or control character in ${what} begins no field, in either direction`, async () => {
    const set = { 'x-id': '${path.id}', 'x-q': '${query.q}', 'x-path': '${path}', 'x-query': '${query}' };
    const bench = await benchWith({ request: { set }, response: { set } }, { path: '/:id' });
    const answer = await bench.send({ url });
    const lines = ['x-id', 'x-q', 'x-path', 'x-query'];
    const sent = bench.seen[0]?.head.split('\r\n') ?? [];
    assert.deepEqual(
      sent.slice(2, 6).map((line) => line.split(':')[0]),
      lines,
    );
    assert.deepEqual(
      answer.fieldText.split('\r\n').map((line) => line.split(':')[0]),
      [...lines, ''],
    );
    assert.ok(!/[\x00-\x08\x0a-\x1f\x7f]/.test([...answer.fields, ...(bench.seen[0]?.fields ?? [])].join('')));
  });
}

test('leaves what is no visible ASCII percent-encoded, and other values decoded', async () => {
  const bench = await benchWith({ request: { set: { 'x-id': '${path.id}', 'x-q': '${query.q}' } } }, { path: '/:id' });
  await bench.send({ url: '/caf%C3%A9?q=a%20%22b%22' });
  assert.deepEqual(bench.seen[0]?.fields, ['x-id', 'caf%C3%A9', 'x-q', 'a "b"']);
});

test('passes on the bytes of a field value as they came', async () => {
  const bench = await benchWith({ request: { set: { 'x-b': '${header.x-a}' }, remove: ['x-a'] } });
  await bench.send({ fields: ['x-a', 'caf\u00c3\u00a9\tau lait'] });
  assert.deepEqual(bench.seen[0]?.fields, ['x-b', 'caf\u00c3\u00a9\tau lait']);
});

const nosniff = { response: { set: { 'x-content-type-options': 'nosniff' } } };

test('changes answers of the gateway itself: an upstream that fails', async () => {
  const bench = await benchWith(nosniff, { upstream: () => ({ error: upstreamErrors.unreachable() }) });
  const answer = await bench.send();
  assert.equal(answer.status, 502);
  assert.deepEqual(answer.fields, ['content-type', 'application/problem+json', 'x-content-type-options', 'nosniff']);
});

test('changes answers of the gateway itself: a refusal by another policy', async () => {
  const refusing = planPhases({ requestHead: () => upstreamErrors.queueFull() });
  const bench = createPolicyBench({ policies: [refusing, await plan(headersPolicy, nosniff)] });
  const answer = await bench.send();
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.values('x-content-type-options'), ['nosniff']);
});

test('changes answers of the gateway itself: fixed answers and redirects', async () => {
  const respond = new RespondTerminal({
    status: 404,
    headers: [{ name: 'x-content-type-options', value: toTemplate('other') }],
    body: undefined,
  });
  const redirect = new RedirectTerminal({ path: toTemplate('/new'), status: 301 });
  for (const [terminal, status] of [
    [respond, 404],
    [redirect, 301],
  ] as const) {
    const answer = await (await benchWith(nosniff, { terminal })).send();
    assert.equal(answer.status, status);
    assert.deepEqual(answer.values('x-content-type-options'), ['nosniff']);
  }
});

test('leaves an answer alone that no route took', async () => {
  const answer = await (await benchWith(nosniff, { path: '/orders' })).send({ url: '/elsewhere' });
  assert.equal(answer.status, 404);
  assert.deepEqual(answer.values('x-content-type-options'), []);
});

test('a reload changes later answers only', async () => {
  const bench = await benchWith({ response: { set: { 'x-a': 'old' } } });
  const before = await bench.send();
  bench.reload([await plan(headersPolicy, { response: { set: { 'x-a': 'new' } } })]);
  const after = await bench.send();
  assert.deepEqual([before.values('x-a'), after.values('x-a')], [['old'], ['new']]);
});
