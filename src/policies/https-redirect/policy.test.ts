import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { httpsRedirectPolicy } from './policy.ts';

const benchWith = async (config: unknown) => createPolicyBench({ policies: [await plan(httpsRedirectPolicy, config)] });

test('lets requests over https pass', async () => {
  const bench = await benchWith({});
  assert.equal((await bench.send({ scheme: 'https' })).text, 'served');
});

test('sends requests over http to the same host, path and query, without asking the service', async () => {
  const bench = await benchWith({});
  const answer = await bench.send({ host: 'shop.example.com:8080', url: '/a/b?c=d', method: 'POST', body: ['x'] });
  assert.equal(answer.status, 308);
  assert.deepEqual(answer.values('location'), ['https://shop.example.com/a/b?c=d']);
  assert.equal(bench.seen.length, 0);
});

test('names the port where it is not the usual one, and answers with the status that is wanted', async () => {
  const answer = await (await benchWith({ port: 8443, status: 302 })).send({ host: 'shop.example.com', url: '/' });
  assert.deepEqual([answer.status, ...answer.values('location')], [302, 'https://shop.example.com:8443/']);
});

test('a change of the configuration counts from the next request on', async () => {
  const bench = await benchWith({});
  assert.equal((await bench.send({ url: '/' })).status, 308);
  bench.reload([await plan(httpsRedirectPolicy, { status: 301 })]);
  assert.equal((await bench.send({ url: '/' })).status, 301);
});
