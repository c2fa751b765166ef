import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PLACE } from '#base/concurrency-limits.ts';
import { HeldPlaces } from './held-places.ts';
import { provideConcurrencyMemory, SharedConcurrency, takeBackPlaces } from './shared-concurrency.ts';

const KEY_WORDS = 4;
const ASKS = 0x4000;

test('two threads share the places of a key, and each key has its own', () => {
  const memory = provideConcurrencyMemory({ threads: 4, keysMax: 100 });
  const [one, other] = [0, 1].map((number) => new SharedConcurrency(memory, number).open('tested', 2));
  const taken = one!.take('a');
  assert.notEqual(taken, NO_PLACE);
  assert.notEqual(other!.take('a'), NO_PLACE);
  assert.equal(one!.take('a'), NO_PLACE);
  assert.notEqual(one!.take('b'), NO_PLACE);
  one!.give(taken);
  assert.notEqual(other!.take('a'), NO_PLACE);
  assert.equal(other!.take('a'), NO_PLACE);
});

test('places of a thread that is gone come back, those of others do not, and its number may be given again', () => {
  const memory = provideConcurrencyMemory({ threads: 4, keysMax: 100 });
  const [one, other] = [0, 1].map((number) => new SharedConcurrency(memory, number).open('tested', 3));
  one!.take('a');
  one!.take('a');
  other!.take('a');
  takeBackPlaces(memory, 0);
  const next = new SharedConcurrency(memory, 0).open('tested', 3);
  assert.deepEqual(
    [next.take('a'), next.take('a'), next.take('a')].map((place) => place === NO_PLACE),
    [false, false, true],
  );
  takeBackPlaces(memory, 0);
  takeBackPlaces(memory, 0);
  assert.deepEqual([next.take('a'), next.take('a'), next.take('a')].filter((place) => place === NO_PLACE).length, 1);
});

test('entries are free when they hold nothing: any number of keys follow each other', () => {
  const limit = new SharedConcurrency(provideConcurrencyMemory({ threads: 4, keysMax: 10 }), 0).open('tested', 1);
  for (let i = 0; i < 10_000; i++) {
    const place = limit.take(`key ${i}`);
    assert.notEqual(place, NO_PLACE);
    limit.give(place);
  }
});

test('keys without room share as many places as one has, whoever gives them back', () => {
  const limit = new SharedConcurrency(provideConcurrencyMemory({ threads: 4, keysMax: 8 }), 0).open('tested', 2);
  const places = Array.from({ length: 100 }, (_, i) => limit.take(`key ${i}`)).filter((place) => place !== NO_PLACE);
  // Two buckets of eight, and two places for all the others.
  assert.equal(places.length, 18);
  for (const place of places) limit.give(place);
  const again = Array.from({ length: 100 }, (_, i) => limit.take(`key ${i}`)).filter((place) => place !== NO_PLACE);
  assert.equal(again.length, 18);
});

test('a thread that died while it asked, or held the lock, keeps nobody from a place', () => {
  const memory = provideConcurrencyMemory({ threads: 4, keysMax: 100 });
  const one = new SharedConcurrency(memory, 1).open('tested', 1);
  one.give(one.take('a'));
  const words = new Int16Array(memory);
  const dead = new HeldPlaces(memory, 0);
  const at = Array.from({ length: dead.entries.entryCount }, (_, i) => dead.entries.entryAt(i)!).find(
    (entry) => dead.entries.keyOf(entry).low !== 0,
  )!;
  // As it would be found: it says that it asks, and gives an entry to another key.
  words[(at + KEY_WORDS) * 2] = ASKS;
  assert.ok(dead.entries.lock());
  takeBackPlaces(memory, 0);
  assert.notEqual(one.take('a'), NO_PLACE);
  assert.notEqual(one.take('b'), NO_PLACE);
});

test('memory is kept while there is a word in it for each thread', () => {
  const memory = provideConcurrencyMemory({ threads: 4, keysMax: 10 });
  assert.equal(provideConcurrencyMemory({ threads: 2, keysMax: 10, present: memory }), memory);
  assert.notEqual(provideConcurrencyMemory({ threads: 40, keysMax: 10, present: memory }), memory);
});
