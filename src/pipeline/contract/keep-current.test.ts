import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keeper } from '#base/keeper.ts';
import { keepCurrent } from './keep-current.ts';

test('a thing is kept for as long as its version is the same, and only the last one', () => {
  const keeper = new Keeper();
  const made: string[] = [];
  const ask = (version: string) =>
    keepCurrent(keeper, 'shop', version, () => {
      made.push(version);
      return { version };
    });
  assert.equal(ask('1'), ask('1'));
  assert.deepEqual(ask('2'), { version: '2' });
  ask('1');
  assert.deepEqual(made, ['1', '2', '1']);
});
