import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMap } from './recent-map.ts';

function fill(entriesMax: number, keys: string): RecentMap<string> {
  const map = new RecentMap<string>(entriesMax);
  for (const key of keys) map.set(key, key.toUpperCase());
  return map;
}

const keysOf = (map: RecentMap<string>) => [...'abcd'].filter((key) => map.get(key) === key.toUpperCase()).join('');

test('holds as many as it may, and forgets the one that was set longest ago', () => {
  assert.equal(keysOf(fill(3, 'abc')), 'abc');
  assert.equal(keysOf(fill(3, 'abcd')), 'bcd');
  assert.equal(keysOf(fill(1, 'abcd')), 'd');
});

test('one that is set again is the last to be forgotten, and one that is only looked at is not', () => {
  assert.equal(keysOf(fill(3, 'abcad')), 'acd');
  const map = fill(3, 'abc');
  map.get('a');
  map.set('d', 'D');
  assert.equal(keysOf(map), 'bcd');
});

test('has the value that was set last, and room for another one where one was deleted', () => {
  const map = fill(2, 'ab');
  map.set('a', 'x');
  assert.equal(map.get('a'), 'x');
  map.delete('a');
  assert.equal(map.get('a'), undefined);
  map.set('c', 'C');
  assert.equal(keysOf(map), 'bc');
});
