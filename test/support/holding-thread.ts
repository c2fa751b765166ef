/** A thread that counts by quotas or takes and gives back places as fast as it can, at the same keys as other threads. */
import { workerData } from 'node:worker_threads';
import { NO_PLACE } from '#base/concurrency-limits.ts';
import { silentLogger } from '#base/logger.ts';
import { WITHIN_QUOTA } from '#base/quotas.ts';
import { SharedConcurrency } from '#stores/shared-concurrency.ts';
import { SharedQuotas } from '#stores/shared-quotas.ts';

export interface HoldingThreadStart {
  readonly kind: 'quota' | 'concurrency';
  readonly memory: SharedArrayBuffer;
  readonly threadNumber: number;
  readonly threads: number;
  readonly max: number;
  readonly keys: number;
  readonly asksPerKey: number;
  readonly nowMs: number;
  /** For each key: threads that have come to it, what was admitted, what is held, and the most that was held at a time. */
  readonly counts: SharedArrayBuffer;
}

const COUNTS_PER_KEY = 4;

const start = workerData as HoldingThreadStart;
const { memory, threadNumber, threads, max, keys, asksPerKey, nowMs } = start;
const counts = new Int32Array(start.counts);
const rules = [{ limit: max, period: 'month', timeZone: 'UTC' }] as const;
const openQuota = () =>
  new SharedQuotas(memory, { threadNumber, logger: silentLogger }).open({ name: 'tested', showsKeys: true, rules });
const ask = start.kind === 'quota' ? countByQuota(openQuota()) : holdPlaces();

for (let key = 0; key < keys; key++) {
  const at = COUNTS_PER_KEY * key;
  Atomics.add(counts, at, 1);
  Atomics.notify(counts, at);
  while (Atomics.load(counts, at) < threads) Atomics.wait(counts, at, Atomics.load(counts, at), 1);
  for (let i = 0; i < asksPerKey; i++) ask(`key ${key}`, at);
}

function countByQuota(quota: ReturnType<SharedQuotas['open']>) {
  return (key: string, at: number): void => {
    if (quota.take(key, nowMs) === WITHIN_QUOTA) Atomics.add(counts, at + 1, 1);
  };
}

function holdPlaces() {
  const limit = new SharedConcurrency(memory, threadNumber).open('tested', max);
  return (key: string, at: number): void => {
    const place = limit.take(key);
    if (place === NO_PLACE) return;
    const held = Atomics.add(counts, at + 2, 1) + 1;
    for (let most = Atomics.load(counts, at + 3); most < held; most = Atomics.load(counts, at + 3))
      Atomics.compareExchange(counts, at + 3, most, held);
    Atomics.add(counts, at + 1, 1);
    Atomics.sub(counts, at + 2, 1);
    limit.give(place);
  };
}
