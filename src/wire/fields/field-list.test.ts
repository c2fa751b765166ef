import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getField, getFieldValues, hasField, removeField, removeLookalikes, setField } from './field-list.ts';

const fields = () => ['accept', 'a/b', 'x-a', '1', 'cookie', 'accept', 'x-a', '2'];

test('finds the first value, every value, and none', () => {
  assert.equal(getField(fields(), 'x-a'), '1');
  assert.equal(getField(fields(), 'x-b'), undefined);
  assert.deepEqual(getFieldValues(fields(), 'x-a'), ['1', '2']);
  assert.deepEqual(getFieldValues(fields(), 'x-b'), []);
  assert.equal(hasField(fields(), 'cookie'), true);
  assert.equal(hasField([], 'cookie'), false);
});

test('does not take a value for a name', () => {
  assert.equal(getField(['x', 'accept', 'accept', 'y'], 'accept'), 'y');
  assert.equal(hasField(['x', 'accept'], 'accept'), false);
  const list = ['x', 'accept', 'accept', 'y'];
  removeField(list, 'accept');
  assert.deepEqual(list, ['x', 'accept']);
});

test('removes every line of a name in place and keeps the order of the rest', () => {
  const list = fields();
  removeField(list, 'x-a');
  assert.deepEqual(list, ['accept', 'a/b', 'cookie', 'accept']);
  removeField(list, 'x-b');
  assert.deepEqual(list, ['accept', 'a/b', 'cookie', 'accept']);
});

test('sets a field to exactly one line', () => {
  const list = fields();
  setField(list, 'x-a', '3');
  assert.deepEqual(list, ['accept', 'a/b', 'cookie', 'accept', 'x-a', '3']);
  setField(list, 'x-b', '4');
  assert.deepEqual(list.slice(-2), ['x-b', '4']);
});

test('removes what services may take for a name together with it, and nothing else', () => {
  const list = ['x-user-id', '1', 'x_user-id', '2', 'x_user_id', '3', 'x-user-ib', '4', 'xxuser-id', '5', 'x-user', '6'];
  removeLookalikes(list, 'x-user-id');
  assert.deepEqual(list, ['x-user-ib', '4', 'xxuser-id', '5', 'x-user', '6']);
  removeLookalikes(list, 'x_user');
  assert.deepEqual(list, ['x-user-ib', '4', 'xxuser-id', '5']);
});
