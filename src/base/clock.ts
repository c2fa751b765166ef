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

/** `performance.now` begins anew in each thread; the system's clock behind it does not. Reading that one for each time is dearer. */
const threadStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  monotonicMs: () => threadStartMs + performance.now(),
  wallMs: () => Date.now(),
};
