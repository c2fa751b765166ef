/** A thread that sees one failure after the other, at all endpoints of a board that it shares. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { unreachable, WatchedService } from './outcomes.ts';
import { createServiceMeans } from './services.ts';

export interface EjectingThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly urls: readonly string[];
  /** How often each thread has left one out; the first word becomes 1 when they are to end. */
  readonly counts: SharedArrayBuffer;
  /** Its number among the threads, and the place of its count. */
  readonly index: number;
}

const { memory, urls, counts: countMemory, index } = workerData as EjectingThreadStart;
const counts = new Int32Array(countMemory);
const means = { ...createServiceMeans(), board: new EndpointBoard(memory, index) };
// One clock for the times of the board: what it is asked with another time it takes for long past.
means.clock.advance(Math.max(0, systemClock.monotonicMs() - means.clock.monotonicMs()));

while (Atomics.load(counts, 0) === 0) {
  // Anew each time, because it rests for a while once the floor is reached.
  const watched = new WatchedService(urls, { consecutiveFailures: 1, ejectionMs: 50, ejectionMsMax: 50 }, means);
  for (let i = 0; i < 2 * urls.length; i++) {
    const nowMs = systemClock.monotonicMs();
    watched.tell((i * 7) % urls.length, { ...unreachable, startedMs: nowMs, endedMs: nowMs });
  }
  Atomics.add(counts, index, watched.events.length);
}
