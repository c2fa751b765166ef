import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptBody } from './kept-body.ts';

function setUp({ bytesMax = 10, budgetBytes = 10 } = {}) {
  let left = budgetBytes;
  const budget = {
    take(bytes: number) {
      const granted = Math.min(bytes, left);
      left -= granted;
      return granted;
    },
    give(bytes: number) {
      left += bytes;
    },
  };
  const body = new KeptBody(bytesMax, budget);
  return { body, left: () => left, add: (text: string) => body.add(Buffer.from(text)) };
}

const cases = [
  { bytesMax: 6, budgetBytes: 10, added: ['abc', 'def'], kept: 'abcdef', isWhole: true },
  { bytesMax: 5, budgetBytes: 10, added: ['abc', 'def'], kept: 'abcde', isWhole: false },
  { bytesMax: 10, budgetBytes: 2, added: ['abc', 'def'], kept: 'ab', isWhole: false },
  { bytesMax: 0, budgetBytes: 10, added: ['abc'], kept: '', isWhole: false },
  { bytesMax: 0, budgetBytes: 10, added: [], kept: '', isWhole: true },
];

for (const { added, kept, isWhole, ...limits } of cases) {
  test(`of ${JSON.stringify(added)}, with ${JSON.stringify(limits)}, ${JSON.stringify(kept)} is kept`, () => {
    const { body, left, add } = setUp(limits);
    for (const text of added) add(text);
    assert.equal(left(), limits.budgetBytes - kept.length);
    assert.deepEqual(body.take(), { bytes: Buffer.from(kept), isWhole, lengthBytes: added.join('').length });
    assert.equal(left(), limits.budgetBytes);
  });
}

test('what comes when it is taken holds nothing of what all bodies may hold', () => {
  const { body, left, add } = setUp();
  body.take();
  add('late');
  assert.equal(left(), 10);
});
