/** Where time comes from. The data plane reads no other clock, so tests can move it. */
export interface Clock {
  /** Milliseconds that only ever grow; for durations and deadlines. Has no relation to the calendar. */
  monotonicMs(): number;
  /** Milliseconds since 1970; for log lines and dates only, because it may jump. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
