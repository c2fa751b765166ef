import type { Clock } from './clock.ts';

/** How long one slice of reading or compiling a configuration may keep a thread from its requests. */
const SLICE_MS = 3;

/** Runs a generator to its end without holding the event loop for longer than a slice, and a step, at a time. */
export async function runInSlices<Result>(
  steps: Generator<undefined, Result, void>,
  clock: Clock,
  sliceMs: number = SLICE_MS,
): Promise<Result> {
  for (;;) {
    const startMs = clock.monotonicMs();
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (clock.monotonicMs() - startMs < sliceMs);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Runs a generator to its end at once. */
export function runAtOnce<Result>(steps: Generator<undefined, Result, void>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
