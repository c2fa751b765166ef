/** A credential in the query is a secret: other policies make nothing of it that a service or a log could see. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import type { ServiceRequest } from '#pipeline/service-call.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { policyDefinitions } from './registry.ts';

const KEY = 'robot-key-0123456789abcdef';
const consumers = new ConsumerDirectory({
  robot: { groups: [], keys: [{ sha256: createHash('sha256').update(KEY).digest('hex'), shown: 'robot-' }] },
});

/** Policies by name, in the order of the registry. */
async function send(blocks: Readonly<Record<string, object>>, url: string) {
  const asked: ServiceRequest[] = [];
  const services = createPolicyServices({
    consumers,
    callService: async (_exchange, _service, request) => {
      asked.push(request);
      return { status: 200, fields: [], body: Buffer.from('{"result":true}') };
    },
  });
  const used = policyDefinitions.filter(({ name }) => blocks[name] !== undefined);
  const policies = await Promise.all(used.map((definition) => plan(definition, blocks[definition.name], services)));
  const bench = createPolicyBench({ policies });
  const answer = await bench.send({ url });
  return { answer, asked, seen: bench.seen[0] };
}

const cases: readonly (readonly [what: string, blocks: Readonly<Record<string, object>>, target: string])[] = [
  ['no other policy', {}, '/a?x=1'],
  ['another path', { rewrite: { path: '/b' } }, '/b?x=1'],
  ['another query', { rewrite: { query: '${query}&y=2' } }, '/a?x=1&y=2'],
  ['a field with the query', { headers: { request: { set: { 'x-query': '${query}' } } } }, '/a?x=1'],
];

for (const [what, blocks, target] of cases) {
  test(`a service sees no key of the query: ${what}`, async () => {
    const { answer, seen } = await send({ 'api-key': { query: 'key' }, ...blocks }, `/a?x=1&key=${KEY}`);
    assert.equal(answer.status, 200);
    assert.equal(seen?.target, target);
    assert.ok(!JSON.stringify(seen).includes(KEY));
    assert.equal(answer.exchange.shownTarget, '/a?x=1&key=[redacted]');
  });
}

test('a service sees the key where it is to be forwarded', async () => {
  const { seen } = await send({ 'api-key': { query: 'key', forward: true }, rewrite: { path: '/b' } }, `/a?x=1&key=${KEY}`);
  assert.equal(seen?.target, `/b?x=1&key=${KEY}`);
});

test('who decides about a request sees no key of its query either', async () => {
  for (const [name, block] of [
    ['forward-auth', { service: 'login', path: '/verify' }],
    ['opa', { service: 'opa', path: '/v1/data/a' }],
  ] as const) {
    for (const query of [`x=1&key=${KEY}`, `key=${KEY}`]) {
      const { asked, answer } = await send({ 'api-key': { query: 'key' }, [name]: block }, `/a?${query}`);
      assert.equal(answer.status, 200);
      assert.equal(asked.length, 1);
      assert.ok(!`${JSON.stringify(asked)}${asked[0]!.body?.toString()}`.includes(KEY), name);
    }
  }
});

test('with two of them, neither is shown in logs', async () => {
  const blocks = {
    'api-key': { query: 'key' },
    introspection: { endpoint: 'https://a.example/', clientId: 'a', clientSecret: 'b', query: 'token' },
  };
  const { answer } = await send(blocks, `/a?token=secret-token&key=${KEY}`);
  assert.equal(answer.exchange.shownTarget, '/a?token=[redacted]&key=[redacted]');
});

test('with any of several methods, the credential of one that was not needed is hidden too', async () => {
  const methods = [{ 'api-key': { header: 'x-key', query: 'key' } }, { 'api-key': { query: 'old' } }];
  const { answer, seen } = await send({ 'any-of': { methods }, rewrite: { path: '/b' } }, `/a?key=${KEY}&old=other-secret&x=1`);
  assert.equal(answer.status, 200);
  assert.equal(seen?.target, '/b?x=1');
  assert.equal(answer.exchange.shownTarget, '/a?key=[redacted]&old=[redacted]&x=1');
});

test('a request that is refused or answered before anybody looks for its key has it hidden in logs all the same', async () => {
  for (const [name, block] of [
    ['ip', { deny: ['0.0.0.0/0'] }],
    ['request-size', { url: '16B' }],
    ['https-redirect', {}],
  ] as const) {
    for (const method of [
      { 'api-key': { query: 'key' } },
      { 'any-of': { methods: [{ 'api-key': { query: 'key' } }, { hmac: {} }] } },
    ]) {
      const { answer } = await send({ [name]: block, ...method }, `/a?key=${KEY}`);
      assert.notEqual(answer.status, 200, name);
      assert.equal(answer.exchange.shownTarget, '/a?key=[redacted]');
    }
  }
});
