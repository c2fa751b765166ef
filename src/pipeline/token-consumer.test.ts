import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findClaim } from '#http/claims.ts';
import { ConsumerDirectory } from './consumer-directory.ts';
import { type ClaimNames, toTexts, toTokenConsumer } from './token-consumer.ts';

const names: ClaimNames = { subject: 'sub', groups: 'groups', scopes: ['scope', 'scp'], roles: ['roles', 'realm_access.roles'] };
const directory = new ConsumerDirectory({
  alice: { groups: ['gold'], keys: [], subjects: ['u1@login.example.com'] },
});
const issuer = 'https://login.example.com/';

test('a subject that the configuration names is that consumer, in the groups of both', () => {
  const claims = { sub: 'u1', groups: ['beta'], scope: 'orders:read orders:write' };
  assert.deepEqual(toTokenConsumer(claims, { issuer, names, directory }), {
    name: 'alice',
    groups: ['gold', 'beta'],
    scopes: ['orders:read', 'orders:write'],
    roles: [],
    claims,
  });
});

test('anybody else has a name that ends with the issuer, and is in the groups of the token only', () => {
  const claims = { sub: 'alice', scp: ['a', 'b'], realm_access: { roles: ['admin'] } };
  const consumer = toTokenConsumer(claims, { issuer, names, directory });
  assert.deepEqual(consumer, {
    name: 'alice@login.example.com',
    groups: [],
    scopes: ['a', 'b'],
    roles: ['admin'],
    claims,
  });
  const other = { issuer: 'https://other.example.com', names, directory };
  assert.equal(toTokenConsumer({ sub: 'u1@login.example.com' }, other)?.name, 'u1@login.example.com@other.example.com');
});

test('what cannot be a name is nobody', () => {
  for (const sub of [undefined, '', 7, ['u1'], 'a b', 'a"b', 'a\\b', 'a\nb', 'ä', '\ud83d', 'x'.repeat(257)])
    assert.equal(toTokenConsumer({ sub }, { issuer, names, directory }), undefined, JSON.stringify(sub));
});

test('a claim is found by its name, and below others by dots', () => {
  const claims = { 'a.b': 1, a: { b: 2, c: { d: 3 } }, list: [1] };
  assert.equal(findClaim(claims, 'a.b'), 1);
  assert.equal(findClaim(claims, 'a.c.d'), 3);
  for (const path of ['a.c.e', 'x', '__proto__', 'constructor.name', 'a.b.c', 'list.length.x'])
    assert.equal(findClaim(claims, path), undefined, path);
});

test('texts come as a list or with spaces between them', () => {
  assert.deepEqual(toTexts(' a  b '), ['a', 'b']);
  assert.deepEqual(toTexts(['a b', 7, null]), ['a b']);
  assert.deepEqual(toTexts({ a: 1 }), []);
});
