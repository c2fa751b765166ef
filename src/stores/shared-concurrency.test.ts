import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PLACE } from '#base/concurrency-limits.ts';
import { EntryWord, KeyedCounts } from './keyed-counts.ts';
import { provideConcurrencyMemory, SharedConcurrency, takeBackPlaces } from './shared-concurrency.ts';

test('two threads share the places of a key, and each key has its own', () => {
  const memory = provideConcurrencyMemory(undefined, 100);
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
  const memory = provideConcurrencyMemory(undefined, 100);
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
  const limit = new SharedConcurrency(provideConcurrencyMemory(undefined, 10), 0).open('tested', 1);
  for (let i = 0; i < 10_000; i++) {
    const place = limit.take(`key ${i}`);
    assert.notEqual(place, NO_PLACE);
    limit.give(place);
  }
});

test('keys without room share as many places as one has, whoever gives them back', () => {
  const limit = new SharedConcurrency(provideConcurrencyMemory(undefined, 8), 0).open('tested', 2);
  const places = Array.from({ length: 100 }, (_, i) => limit.take(`key ${i}`)).filter((place) => place !== NO_PLACE);
  // Two buckets of eight, and two places for all the others.
  assert.equal(places.length, 18);
  for (const place of places) limit.give(place);
  const again = Array.from({ length: 100 }, (_, i) => limit.take(`key ${i}`)).filter((place) => place !== NO_PLACE);
  assert.equal(again.length, 18);
});

test('a thread that died as it gave an entry to a key leaves the table usable', () => {
  const memory = provideConcurrencyMemory(undefined, 100);
  const layout = { entryWords: 4, keepsHeld: true, notesChanges: false };
  const dying = new KeyedCounts(memory, layout, 3);
  const key = { low: 12, high: 34, until: 0, max: 1 };
  assert.throws(() =>
    dying.take(key, 0, (at) => {
      // As it would be found: the lock is held, and the entry belongs to nobody yet.
      takeBackPlaces(memory, 3);
      assert.equal(Atomics.load(dying.words, at + EntryWord.count), 0);
      throw new Error('the thread is gone');
    }),
  );
  const living = new KeyedCounts(memory, layout, 0);
  assert.ok(living.take(key, 0) > 0);
});
