/**
 * Loaded before each test file by scripts/test.ts. A file whose tests are over but which left a socket, timer or child
 * behind would run for ever, because Node's time limit covers tests and not files. Here it ends as a failure that says what
 * was left.
 */
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** Long enough for connections that are closing, short enough for somebody who waits. */
const graceMs = 5000;

function failIfStillRunning(): void {
  const timer = setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(', ');
    console.error(`${process.argv[1]}: still running ${graceMs} ms after its last test, with ${left}`);
    process.exit(1);
  }, graceMs);
  timer.unref();
}

// The runner itself and the threads of a test load this too, and have no tests of their own.
if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined) after(failIfStillRunning);
