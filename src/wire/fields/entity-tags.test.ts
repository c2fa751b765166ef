import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strengthenTags, weakenTag } from './entity-tags.ts';

test('a strong tag becomes weak, and a weak one stays', () => {
  assert.deepEqual([weakenTag('"a"'), weakenTag('W/"a"')], ['W/"a"', 'W/"a"']);
});

test('weak tags of a list become strong, and nothing else changes', () => {
  for (const [list, strong] of [
    ['W/"a"', '"a"'],
    ['"a", W/"b",W/"c"', '"a", "b","c"'],
    ['*', '*'],
    ['"W/", "x,W/"', '"W/", "x,W/"'],
    ['"open W/"', '"open W/"'],
    ['W/a', 'W/a'],
    ['', ''],
  ])
    assert.equal(strengthenTags(list!), strong);
});
