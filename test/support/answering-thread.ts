/** A thread that keeps answers and asks for them as fast as it can, and counts those that are not what somebody has kept. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { createAnswer } from './stored-answers.ts';

export interface AnsweringThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly threadNumber: number;
  readonly keys: number;
  readonly rounds: number;
  readonly bodyBytesMax: number;
  /** How many threads have come, then how many answers were kept, found, and found to be wrong. */
  readonly counts: SharedArrayBuffer;
  readonly threads: number;
}

const ARRIVED = 0;
const KEPT = 1;
const FOUND = 2;
const WRONG = 3;

const start = workerData as AnsweringThreadStart;
const counts = new Int32Array(start.counts);
const store = new SharedAnswers(start.memory, { clock: systemClock, threadNumber: start.threadNumber });

Atomics.add(counts, ARRIVED, 1);
Atomics.notify(counts, ARRIVED);
while (Atomics.load(counts, ARRIVED) < start.threads) Atomics.wait(counts, ARRIVED, Atomics.load(counts, ARRIVED), 1);

let random = start.threadNumber + 1;
function next(below: number): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (random >>> 8) % below;
}

for (let round = 0; round < start.rounds; round++) {
  // Some keys are asked for far more often than others.
  const key = next(next(start.keys) + 1);
  const uri = `http://service/${key}`;
  const found = store.find(uri, '');
  if (found !== undefined) {
    for (const answer of found) {
      answer.wasUsed = true;
      const { body, fields } = answer.facts;
      const mark = body[0];
      Atomics.add(counts, FOUND, 1);
      if (fields[1] !== uri || body.readUInt32LE(1) !== body.length || body.subarray(5).some((byte) => byte !== mark))
        Atomics.add(counts, WRONG, 1);
    }
  }
  if (found !== undefined && next(8) !== 0) continue;
  const body = Buffer.alloc(5 + next(start.bodyBytesMax), next(256));
  body.writeUInt32LE(body.length, 1);
  store.put(uri, '', createAnswer(systemClock, { body, fields: ['x-uri', uri] }));
  Atomics.add(counts, KEPT, 1);
  if (next(50) === 0) store.invalidate(`http://service/${next(start.keys)}`);
}
