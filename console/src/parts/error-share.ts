/** How bad errors are: one in a million is no alarm, and a colour that is always there says nothing. */
import type { Traffic } from '../api/answers.ts';

const BAD_SHARE = 0.01;

export function hasManyErrors(traffic: Traffic | undefined): boolean {
  return traffic !== undefined && traffic.errorsPerSecond > 0 && traffic.errorsPerSecond >= traffic.requestsPerSecond * BAD_SHARE;
}

/** The class of a cell that shows errors. */
export function errorTone(traffic: Traffic | undefined): string {
  if (hasManyErrors(traffic)) return 'tone-bad';
  return (traffic?.errorsPerSecond ?? 0) > 0 ? '' : 'quiet';
}
