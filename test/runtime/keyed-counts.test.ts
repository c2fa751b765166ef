/** Threads that count by the same keys at the same moment: nothing is counted twice, lost, or let pass beyond its limit. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { NO_PLACE } from '#base/concurrency-limits.ts';
import { provideQuotaMemory } from '#stores/quota-entries.ts';
import { provideConcurrencyMemory, SharedConcurrency, takeBackPlaces } from '#stores/shared-concurrency.ts';
import type { HoldingThreadStart } from '#test/support/holding-thread.ts';

const THREADS = 4;
const COUNTS_PER_KEY = 4;

type Asked = Pick<HoldingThreadStart, 'kind' | 'max' | 'keys' | 'asksPerKey' | 'memory'>;

function startThreads(t: TestContext, asked: Asked) {
  const counts = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * COUNTS_PER_KEY * asked.keys);
  const workers = Array.from({ length: THREADS }, (_, threadNumber) => {
    const workerData: HoldingThreadStart = { ...asked, counts, threads: THREADS, threadNumber, nowMs: 987_654_321 };
    return new Worker(new URL('../support/holding-thread.ts', import.meta.url), { workerData });
  });
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  const words = new Int32Array(counts);
  const column = (which: number) => Array.from({ length: asked.keys }, (_, key) => words[COUNTS_PER_KEY * key + which]!);
  return { workers, column, ended: Promise.all(workers.map((worker) => once(worker, 'exit'))) };
}

test('threads that meet at a key nobody has asked for count exactly what its quota says', async (t) => {
  const memory = provideQuotaMemory(5_000);
  const { column, ended } = startThreads(t, { kind: 'quota', memory, max: 3, keys: 5_000, asksPerKey: 3 });
  await ended;
  assert.deepEqual([...new Set(column(1))], [3]);
});

test('threads that hammer one key count exactly what its quota says', async (t) => {
  const memory = provideQuotaMemory(1);
  const { column, ended } = startThreads(t, { kind: 'quota', memory, max: 50_000, keys: 1, asksPerKey: 50_000 });
  await ended;
  assert.deepEqual(column(1), [50_000]);
});

test('no more hold places than may, also where entries go from key to key all the time, and all come back', async (t) => {
  const memory = provideConcurrencyMemory({ threads: THREADS, keysMax: 60 });
  const { column, ended } = startThreads(t, { kind: 'concurrency', memory, max: 2, keys: 2_000, asksPerKey: 50 });
  await ended;
  assert.ok(column(3).every((most) => most >= 1 && most <= 2));
  assert.deepEqual([...new Set(column(2))], [0]);
  const limit = new SharedConcurrency(memory, 0).open('tested', 2);
  for (let key = 0; key < 60; key++) assert.notEqual(limit.take(`key ${key}`), NO_PLACE);
});

test('whenever threads are ended, everything that they held comes back, and nothing else', async (t) => {
  const memory = provideConcurrencyMemory({ threads: THREADS, keysMax: 10 });
  const max = 3;
  for (let round = 0; round < 10; round++) {
    const { workers, column, ended } = startThreads(t, { kind: 'concurrency', memory, max, keys: 1, asksPerKey: 1_000_000_000 });
    // In the middle of their work, wherever that is.
    while (column(1)[0]! < 20_000 * (round + 1)) await new Promise(setImmediate);
    await Promise.all(workers.map((worker) => worker.terminate()));
    await ended;
    for (let number = 0; number < THREADS; number++) takeBackPlaces(memory, number);
    const limit = new SharedConcurrency(memory, 0).open('tested', max);
    const taken = Array.from({ length: max + 1 }, () => limit.take('key 0'));
    assert.deepEqual(
      taken.map((place) => place === NO_PLACE),
      [false, false, false, true],
      `round ${round}`,
    );
    for (const place of taken.slice(0, max)) limit.give(place);
  }
});
