import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { securityHeadersPolicy } from './policy.ts';

const defaults = [
  ...['x-content-type-options', 'nosniff', 'x-frame-options', 'SAMEORIGIN'],
  ...['referrer-policy', 'strict-origin-when-cross-origin', 'permissions-policy', 'camera=(), geolocation=(), microphone=()'],
  ...['cross-origin-opener-policy', 'same-origin-allow-popups'],
];

async function benchWith(config: object, fields: readonly string[] = []) {
  return createPolicyBench({ policies: [await plan(securityHeadersPolicy, config)], upstream: () => ({ fields }) });
}

test('adds its fields to answers of services', async () => {
  const { fields } = await (await benchWith({}, ['content-type', 'text/html'])).send();
  assert.deepEqual(fields, ['content-type', 'text/html', ...defaults]);
});

test('a service has its way unless it is not meant to', async () => {
  const said = ['x-frame-options', 'DENY', 'referrer-policy', 'no-referrer', 'referrer-policy', 'origin'];
  const kept = await (await benchWith({}, said)).send();
  assert.deepEqual(kept.values('x-frame-options'), ['DENY']);
  assert.deepEqual(kept.values('referrer-policy'), ['no-referrer', 'origin']);
  const replaced = await (await benchWith({ overwrite: true }, said)).send();
  assert.deepEqual(replaced.values('x-frame-options'), ['SAMEORIGIN']);
  assert.deepEqual(replaced.values('referrer-policy'), ['strict-origin-when-cross-origin']);
});

test('a field that is left out stays what the service says', async () => {
  const bench = await benchWith({ frameOptions: false, permissionsPolicy: false, overwrite: true }, ['x-frame-options', 'DENY']);
  const answer = await bench.send();
  assert.deepEqual(answer.values('x-frame-options'), ['DENY']);
  assert.deepEqual(answer.values('permissions-policy'), []);
});

test('takes fields of services away, when it is asked to', async () => {
  const said = ['server', 'shop/1.4', 'x-powered-by', 'PHP/5.2', 'x-a', '1', 'server', 'again'];
  assert.deepEqual((await (await benchWith({}, said)).send()).values('server'), ['shop/1.4', 'again']);
  const answer = await (await benchWith({ remove: ['Server', 'x-powered-by'] }, said)).send();
  assert.deepEqual(answer.fields, ['x-a', '1', ...defaults]);
});

test('the gateway is as careful with its own errors', async () => {
  const refusing = planPhases({ requestHead: () => gatewayErrors.noRoute() });
  const bench = createPolicyBench({ policies: [await plan(securityHeadersPolicy, {}), refusing] });
  assert.deepEqual((await bench.send()).values('x-content-type-options'), ['nosniff']);
});
