import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keeper } from './keeper.ts';

test('makes a thing once, and another one for another name', () => {
  const keeper = new Keeper();
  const first = keeper.keep('keys a', () => ({ of: 'a' }));
  assert.equal(
    keeper.keep('keys a', () => assert.fail('it is there')),
    first,
  );
  assert.notEqual(
    keeper.keep('keys b', () => ({ of: 'b' })),
    first,
  );
  assert.equal(
    keeper.keep('nothing', () => undefined),
    undefined,
  );
});

test('lets go what nothing has asked for while thousands of others were', () => {
  const keeper = new Keeper();
  keeper.keep('asked for', () => 1);
  keeper.keep('forgotten', () => 1);
  for (let i = 0; i < 4_095; i++) {
    keeper.keep(`other ${i}`, () => 1);
    if (i === 2_000) keeper.keep('asked for', () => 2);
  }
  assert.equal(
    keeper.keep('asked for', () => 3),
    1,
  );
  assert.equal(
    keeper.keep('forgotten', () => 3),
    3,
  );
});
