import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenMemory } from './token-memory.ts';

test('keeps many tokens, and of more than that those that are shown again', () => {
  const memory = new TokenMemory<number>();
  memory.keep('often', -1);
  for (let i = 0; i < 50_000; i += 1) {
    memory.keep(`token-${i}`, i);
    if (i % 1_000 === 0) assert.equal(memory.find('often'), -1);
  }
  assert.equal(memory.find('token-49999'), 49_999);
  assert.equal(memory.find('token-40000'), 40_000);
  assert.equal(memory.find('token-0'), undefined);
  memory.forget('often');
  assert.equal(memory.find('often'), undefined);
});

test('long tokens are fewer', () => {
  const memory = new TokenMemory<number>();
  const long = (i: number) => `${i}-`.padEnd(16_384, 'x');
  for (let i = 0; i < 3_000; i += 1) memory.keep(long(i), i);
  assert.equal(memory.find(long(2_999)), 2_999);
  assert.equal(memory.find(long(0)), undefined);
});

test('a token that is kept again has its new value, and counts once', () => {
  const memory = new TokenMemory<number>();
  const long = 'x'.repeat(16_384);
  memory.keep('other', 7);
  for (let i = 0; i < 5_000; i += 1) memory.keep(long, i);
  assert.equal(memory.find(long), 4_999);
  assert.equal(memory.find('other'), 7);
});

test('looks at a token once for all who wait, and again afterwards', async () => {
  const memory = new TokenMemory<number>();
  let looks = 0;
  const look = async () => ++looks;
  assert.deepEqual(await Promise.all([memory.share('t', look), memory.share('t', look), memory.share('u', look)]), [1, 1, 2]);
  assert.equal(await memory.share('t', look), 3);
  await assert.rejects(
    memory.share('t', () => Promise.reject(new RangeError('fault'))),
    RangeError,
  );
  assert.equal(await memory.share('t', look), 4);
});
