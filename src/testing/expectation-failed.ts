import { AssertionError } from 'node:assert';

/** Where a test has said what it expects. */
export interface CallSite {
  stack?: string;
}

/** Notes where the function was called, without the cost of writing it out. */
export function noteCallSite(called: (...given: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, called);
  return site;
}

/** `FILE:LINE:COLUMN` of the test. */
export function toTestPlace({ stack = '' }: CallSite): string | undefined {
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:'));
  return frame === undefined ? undefined : /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1]?.replace(/^file:\/\//, '');
}

/** A failure that points at the line of the test, with what was expected beside what was there. */
export function toFailure(
  message: string,
  { site, expected, actual }: { readonly site: CallSite; readonly expected: unknown; readonly actual: unknown },
): AssertionError {
  const failure = new AssertionError({ message, expected, actual, operator: 'expectRoute' });
  const frames = (site.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  failure.stack = [`${failure.name}: ${message}`, ...frames].join('\n');
  return failure;
}
