/** Checks of one endpoint do not come in step with those of the others, nor with anything else that happens at regular times. */
const JITTER = 0.1;

/** How long after the beginning of a check the next one begins. `random` is from 0 to 1. */
export function toNextCheckMs(everyMs: number, { isFirst, random }: { isFirst: boolean; random: number }): number {
  // All endpoints of a new configuration are checked first at the same time; from their second check on they are spread.
  if (isFirst) return everyMs * (JITTER + (1 - JITTER) * random);
  return everyMs * (1 - JITTER + 2 * JITTER * random);
}
