import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { FileMemory } from './file-memory.ts';
import type { Opening } from './opening.ts';

const missing: Opening = { reason: 'missing' };
const toFile = (bytes: number): Opening => ({ content: Buffer.alloc(bytes), fd: -1, path: 'a', sizeBytes: bytes, modifiedMs: 1 });

test('what was seen counts until its time is over, and then one looks while others have it still', () => {
  const memory = new FileMemory();
  memory.keep('a', missing, 1_000);
  assert.equal(memory.find('a', { nowMs: 1_009, keptMs: 10 }), missing);
  assert.equal(memory.find('a', { nowMs: 1_010, keptMs: 10 }), undefined);
  assert.equal(memory.find('a', { nowMs: 1_011, keptMs: 10 }), missing);
  memory.forget('a');
  assert.equal(memory.find('a', { nowMs: 1_011, keptMs: 10 }), undefined);
  assert.equal(memory.find('b', { nowMs: 1_011, keptMs: 10 }), undefined);
});

test('with more bytes than may be, those seen longest ago are forgotten', () => {
  const memory = new FileMemory();
  const third = toFile(limits.fileMemoryBytesMax / 3);
  for (const name of ['a', 'b', 'a', 'c']) memory.keep(name, third, 1_000);
  const listKept = () => ['a', 'b', 'c', 'd'].filter((name) => memory.find(name, { nowMs: 1_000, keptMs: 1 }) !== undefined);
  assert.deepEqual(listKept(), ['a', 'c']);
  memory.keep('d', toFile(limits.fileMemoryBytesMax), 1_000);
  assert.deepEqual(listKept(), []);
});

test('names that are no files are bounded too', () => {
  const memory = new FileMemory();
  const count = Math.ceil(limits.fileMemoryBytesMax / 256);
  for (let i = 0; i < count; i++) memory.keep(`n${i}`, missing, 1_000);
  assert.equal(memory.find('n0', { nowMs: 1_000, keptMs: 1 }), undefined);
  assert.equal(memory.find(`n${count - 1}`, { nowMs: 1_000, keptMs: 1 }), missing);
});
