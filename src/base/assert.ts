/** A broken assumption of ours, never a client's or an upstream's mistake. Ends the exchange or connection, not the thread. */
class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stops when one of our own assumptions does not hold. Active in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
