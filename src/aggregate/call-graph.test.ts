import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderCalls } from './call-graph.ts';

test('calls that wait for nobody come first, all others as soon as they can', () => {
  assert.deepEqual(orderCalls([]), { stages: [] });
  assert.deepEqual(orderCalls([[], [], []]), { stages: [[0, 1, 2]] });
  assert.deepEqual(orderCalls([[1, 2], [], [1], [0]]), { stages: [[1], [2], [0], [3]] });
});

test('a cycle is shown from its first call round to it, without those that only lead into it', () => {
  assert.deepEqual(orderCalls([[0]]), { cycle: [0, 0] });
  assert.deepEqual(orderCalls([[], [0, 3], [1], [2]]), { cycle: [1, 3, 2, 1] });
  assert.deepEqual(orderCalls([[1], [2], [1]]), { cycle: [1, 2, 1] });
});
