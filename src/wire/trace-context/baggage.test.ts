import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinBaggage } from './baggage.ts';

const members = (count: number, bytes = 10) => Array.from({ length: count }, (_, i) => `k${i}=`.padEnd(bytes, 'v'));

test('passes on what it does not read', () => {
  for (const text of ['user=7', 'a=1;p=2, b=%20', ' odd , ,x', ',a=1', 'no sense at all'])
    assert.equal(joinBaggage([text]), text);
  assert.equal(joinBaggage(['a=1', 'b=2']), 'a=1,b=2');
  assert.equal(joinBaggage([]), undefined);
});

test('passes on as many members, and as many bytes, as everybody has to, and no more', () => {
  assert.equal(joinBaggage([members(64).join()]), members(64).join());
  assert.equal(joinBaggage([members(65).join()]), members(64).join());
  const full = members(8, 1_023).join();
  assert.equal(full.length, 8_191);
  assert.equal(joinBaggage([full]), full);
  assert.equal(joinBaggage([`${full}v`]), `${full}v`);
  assert.equal(joinBaggage([`${full}vv`]), members(7, 1_023).join());
  assert.equal(joinBaggage(['x'.repeat(8_193)]), undefined);
});
