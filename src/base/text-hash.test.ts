import assert from 'node:assert/strict';
import test from 'node:test';
import { hashText, mixHash } from './text-hash.ts';

test('hashes never change: what was decided by them would be decided anew', () => {
  assert.deepEqual(
    [hashText(''), hashText('a'), hashText('orders'), hashText('größe')],
    [2_872_998_923, 444_641_715, 2_069_166_408, 2_538_389_087],
  );
});

test('every bit of a hash follows from every bit of the number', () => {
  for (let bit = 0; bit < 32; bit++) {
    let changed = 0;
    for (let i = 0; i < 200; i++) {
      const difference = mixHash(i * 7_919) ^ mixHash((i * 7_919) ^ (1 << bit));
      for (let at = 0; at < 32; at++) changed += (difference >>> at) & 1;
    }
    // Half of 6400 bits; ten standard deviations are 400.
    assert.ok(Math.abs(changed - 3_200) <= 400, `bit ${bit}: ${changed} of 6400`);
  }
});
