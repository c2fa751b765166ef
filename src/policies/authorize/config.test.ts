import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorizeConfig } from './config.ts';

test('refuses rules that name nobody', () => {
  for (const config of [
    {},
    { consumers: [] },
    { groups: [] },
    { groups: [''] },
    { group: ['gold'] },
    { groups: ['a'], mode: 'dry' },
    { mode: 'report' },
    { roles: [] },
    { scopes: [] },
    { scopes: 'orders' },
    { scopes: ['a b'] },
    { scopes: ['a"b'] },
    { scopes: { anyOf: [] } },
    { scopes: { allOf: ['a'] } },
    { claims: {} },
    { claims: { tenant: [] } },
    { claims: { tenant: null } },
    { claims: { tenant: { is: 'a' } } },
    { expression: '' },
    { expression: 'a'.repeat(5_000) },
  ])
    assert.equal(authorizeConfig.safeParse(config).success, false, JSON.stringify(config));
});

test('takes one value or a list for a claim, and all or any of some scopes', () => {
  assert.deepEqual(authorizeConfig.parse({ claims: { a: 'x', b: [1, true] } }).claims, { a: ['x'], b: [1, true] });
  assert.deepEqual(authorizeConfig.parse({ scopes: ['a', 'b'] }).scopes, { allOf: ['a', 'b'] });
  assert.deepEqual(authorizeConfig.parse({ scopes: { anyOf: ['a', 'b'] } }).scopes, { anyOf: ['a', 'b'] });
});
