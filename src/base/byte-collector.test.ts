import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteCollector } from './byte-collector.ts';

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));

for (const sizes of [[1], [200_000], [1, 70_000], [3, 1_000, 5_000], [65_536, 1]])
  test(`bytes in pieces of ${sizes.join(' and ')} are whole again`, () => {
    const collector = new ByteCollector();
    const lent = Buffer.alloc(bytes.length);
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = bytes.copy(lent, 0, at, at + sizes[i % sizes.length]!);
      collector.add(lent.subarray(0, size));
      at += size;
    }
    assert.equal(collector.byteLength, bytes.length);
    assert.deepEqual(Buffer.concat(collector.pieces), bytes);
    assert.ok(collector.take().equals(bytes));
    assert.deepEqual([collector.byteLength, collector.pieces, collector.take().length], [0, [], 0]);
  });

test('single bytes need no piece each', () => {
  const collector = new ByteCollector();
  for (let i = 0; i < bytes.length; i++) collector.add(bytes.subarray(i, i + 1));
  assert.ok(collector.pieces.length < 20, `${collector.pieces.length} pieces`);
  const room = collector.pieces.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
  assert.ok(room < 3 * bytes.length, `${room} bytes`);
});

test('pieces are taken from the front, while others come behind', () => {
  const collector = new ByteCollector();
  collector.add(Buffer.from('one'));
  assert.equal(collector.shift()?.toString(), 'one');
  collector.add(Buffer.from('two'));
  const [seen] = collector.pieces;
  collector.add(Buffer.from('three'));
  assert.equal(seen?.toString(), 'two');
  assert.equal(collector.byteLength, 8);
  assert.deepEqual(
    [collector.shift()?.toString(), collector.shift()?.toString(), collector.shift()],
    ['two', 'three', undefined],
  );
  assert.equal(collector.byteLength, 0);
});
