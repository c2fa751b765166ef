import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandomSource, RANDOM_RANGE } from './random.ts';

test('the same seed gives the same numbers, and another one others', () => {
  const [one, same, other, unseeded] = [
    createRandomSource(5),
    createRandomSource(5),
    createRandomSource(6),
    createRandomSource(),
  ];
  const draw = (random: () => number) => Array.from({ length: 4 }, () => random());
  const drawn = draw(one);
  assert.deepEqual(draw(same), drawn);
  assert.notDeepEqual(draw(other), drawn);
  assert.notDeepEqual(draw(unseeded), draw(createRandomSource()));
});

test('numbers are spread evenly over their range', () => {
  const random = createRandomSource(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const number = random();
    assert.ok(Number.isInteger(number) && number >= 0 && number < RANDOM_RANGE);
    counts[Math.floor((number / RANDOM_RANGE) * 10)]! += 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 400, counts.join());
});
