/** Entry of a worker: a data plane that does what the control thread says. */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import { systemClock } from '#base/clock.ts';
import { decodeConfiguration } from '#snapshot/encoding.ts';
import { createJsonLogger } from '#telemetry/json-logger.ts';
import { DataPlane } from './data-plane.ts';
import type { DataThreadStart, FromDataThread, ToDataThread } from './thread-messages.ts';

assert(parentPort !== null, 'a data thread is started as a worker');
const port = parentPort;
const plainLogger = createJsonLogger(systemClock);
const logger: typeof plainLogger = {
  log: (level, message, fields) => plainLogger.log(level, message, { thread: threadId, ...fields }),
};
const plane = new DataPlane({ clock: systemClock, logger, ...(workerData as DataThreadStart) });

function say(message: FromDataThread): void {
  port.postMessage(message);
}

async function apply(message: Extract<ToDataThread, { kind: 'apply' }>): Promise<void> {
  const { version } = message;
  try {
    const listening = await plane.apply(decodeConfiguration(message.configuration), message.files);
    say({ kind: 'applied', version, listening });
  } catch (error) {
    say({ kind: 'refused', version, reason: error instanceof Error ? error.message : String(error) });
  }
}

/** One configuration after the other, in the order in which they came. */
let applying: Promise<void> = Promise.resolve();

port.on('message', (message: ToDataThread) => {
  switch (message.kind) {
    case 'apply':
      applying = applying.then(() => apply(message));
      return;
    case 'drain':
      applying = applying.then(() => plane.drain(message.deadlineMs)).then(() => say({ kind: 'ended' }));
      return;
    case 'close':
      void plane.close().then(() => say({ kind: 'ended' }));
      return;
    case 'reopen-logs':
      return plane.reopenLogs();
    default:
      message satisfies never;
  }
});
