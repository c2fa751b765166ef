/** Real threads that leave endpoints out at once: together they leave out no more than may be. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import type { EjectingThreadStart } from '#test/support/ejecting-thread.ts';
import { toRecords } from '#test/support/services.ts';

const THREADS = 3;
const LOOKS = 1_000;
const PATIENCE_MS = 120_000;

/** Half of the endpoints. */
const EJECTED_MAX = 5;

test('half of the endpoints stay, however many threads leave some out at the same moment', async (t) => {
  const board = new EndpointBoard();
  const urls = Array.from({ length: 10 }, (_, index) => `http://e${index}`);
  const slots = toRecords(...urls).map(({ slot }) => slot);
  const counts = new Int32Array(new SharedArrayBuffer(4 * (THREADS + 1)));
  const workers = Array.from({ length: THREADS }, (_, number) => {
    const start: EjectingThreadStart = { memory: board.memory, urls, counts: counts.buffer, index: number + 1 };
    return new Worker(new URL('../support/ejecting-thread.ts', import.meta.url), { workerData: start });
  });
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  const givesUpMs = systemClock.monotonicMs() + PATIENCE_MS;
  let looks = 0;
  let most = 0;
  // A thread that has to wait for the processor may find nothing left out for a while.
  while (looks < LOOKS || most < EJECTED_MAX || counts.subarray(1).some((count) => count < 20)) {
    assert.ok(systemClock.monotonicMs() < givesUpMs, `not all threads leave endpoints out: ${counts}, ${most} at a time`);
    // While this thread has the decision, no other one changes what is counted.
    if (board.beginDecision()) {
      const lookedMs = systemClock.monotonicMs();
      most = Math.max(most, slots.filter((slot) => board.ejectedForMs(slot, lookedMs) > 0).length);
      looks += 1;
      board.endDecision();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  Atomics.store(counts, 0, 1);
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  assert.equal(most, EJECTED_MAX);
});
