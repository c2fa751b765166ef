/** Where time comes from. The data plane reads no other clock, so tests can move it. */
export interface Clock {
  /**
   * Milliseconds that only ever grow; for durations and deadlines. Has no relation to the calendar, and is the same in all
   * threads of the process, so that a time in shared memory means the same to all of them.
   */
  monotonicMs(): number;
  /** Milliseconds since 1970; for log lines and dates only, because it may jump. */
  wallMs(): number;
}

/** How often the two clocks are compared; the comparison that took least time counts. */
const COMPARISONS = 5;

/** `performance.now` begins anew in each thread; the system's clock behind it does not. Reading that one for each time is dearer. */
const threadStartMs = findThreadStartMs();

export const systemClock: Clock = {
  monotonicMs: () => threadStartMs + performance.now(),
  wallMs: () => Date.now(),
};

/** A thread that has to wait for the processor between two readings would have a clock of its own for ever. */
function findThreadStartMs(): number {
  let startMs = 0;
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COMPARISONS; i++) {
    const beforeMs = performance.now();
    const systemMs = Number(process.hrtime.bigint()) / 1e6;
    const tookMs = performance.now() - beforeMs;
    if (tookMs >= leastMs) continue;
    leastMs = tookMs;
    startMs = systemMs - beforeMs;
  }
  return startMs;
}
