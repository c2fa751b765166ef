import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClaimText } from './claims.ts';

test('a claim is a text where it is one thing, or a list of such', () => {
  const claims = {
    sub: 'ann',
    level: 3,
    verified: false,
    roles: ['a', 'b'],
    org: { id: 'o-7' },
    'x.y': 'dotted',
    mixed: ['a', {}],
  };
  for (const [path, expected] of [
    ['sub', 'ann'],
    ['level', '3'],
    ['verified', 'false'],
    ['roles', 'a b'],
    ['org.id', 'o-7'],
    ['x.y', 'dotted'],
    ['org', undefined],
    ['mixed', undefined],
    ['none', undefined],
    ['toString', undefined],
    ['org.constructor.name', undefined],
    ['__proto__', undefined],
  ] as const)
    assert.equal(readClaimText(claims, path), expected, path);
  assert.equal(readClaimText(undefined, 'sub'), undefined);
});
