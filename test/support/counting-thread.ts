/** A thread that asks for allowances as fast as it can, key by key, each at the same moment as the other threads. */
import { workerData } from 'node:worker_threads';
import { ADMITTED, type AllowanceRule } from '#base/allowances.ts';
import { silentLogger } from '#base/logger.ts';
import { SharedAllowances } from '#stores/shared-allowances.ts';

export interface CountingThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly rules: readonly AllowanceRule[];
  readonly threads: number;
  readonly keys: number;
  readonly asksPerKey: number;
  readonly nowMs: number;
  /** How much later each key is asked for than the one before. */
  readonly stepMs: number;
  /** How many threads have come to a key, then how many of its requests were admitted, for each key. */
  readonly counts: SharedArrayBuffer;
}

const { memory, rules, threads, keys, asksPerKey, nowMs, stepMs, counts: countMemory } = workerData as CountingThreadStart;
const counts = new Int32Array(countMemory);
const allowance = new SharedAllowances(memory, silentLogger).open('counted', rules);

for (let key = 0; key < keys; key++) {
  const arrivedAt = 2 * key;
  Atomics.add(counts, arrivedAt, 1);
  Atomics.notify(counts, arrivedAt);
  while (Atomics.load(counts, arrivedAt) < threads) Atomics.wait(counts, arrivedAt, Atomics.load(counts, arrivedAt), 1);
  for (let i = 0; i < asksPerKey; i++)
    if (allowance.take(`key ${key}`, nowMs + key * stepMs) === ADMITTED) Atomics.add(counts, arrivedAt + 1, 1);
}
