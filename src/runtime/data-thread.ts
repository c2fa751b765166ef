/** Entry of a worker: a data plane that does what the control thread says. */
import { isIPv6 } from 'node:net';
import { MessageChannel, parentPort, threadId, workerData } from 'node:worker_threads';
import type { AnswerPurge } from '#base/answer-store.ts';
import { assert } from '#base/assert.ts';
import { systemClock } from '#base/clock.ts';
import type { KeyValueStore } from '#base/key-value-store.ts';
import { ThreadMeter } from '#base/meter.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { EventLog } from '#telemetry/event-log.ts';
import { CacheCounts } from './cache-counts.ts';
import { keepCompiledCode } from './compiled-code.ts';
import { DataPlane, type PreparedConfiguration } from './data-plane.ts';
import { meterFamilies } from './meter-families.ts';
import { RefusalCounts } from './refusal-counts.ts';
import type { DataThreadStart, Delivery, FromDataThread, ToDataThread } from './thread-messages.ts';

assert(parentPort !== null, 'a data thread is started as a worker');
const port = parentPort;
const logger = new EventLog({
  clock: systemClock,
  fields: { thread: threadId },
  hasColours: process.env['NO_COLOR'] === undefined,
});
const { board, refusals, cacheCounts, meter, ...start } = workerData as DataThreadStart;
const plane = new DataPlane({
  clock: systemClock,
  logger,
  board: new EndpointBoard(board, start.threadNumber),
  refusals: new RefusalCounts(refusals),
  cacheCounts: new CacheCounts(cacheCounts),
  meter: new ThreadMeter(meter).resume(meterFamilies),
  ...start,
  openMemoryStore,
  tell: (observed, handedOver = []) => port.postMessage({ kind: 'observed', observed } satisfies FromDataThread, [...handedOver]),
});

keepCompiledCode();
// Node compiles a large expression when it first looks at an address, which it does to listen. There is time for that now,
// while the configuration is being read.
isIPv6('::');

function say(message: FromDataThread): void {
  port.postMessage(message);
}

/** It is in the control thread, which is asked over a line of its own. */
async function openMemoryStore(): Promise<KeyValueStore> {
  const { AskedStore } = await import('#stores/memory/asked-store.ts');
  const { port1: own, port2: others } = new MessageChannel();
  port.postMessage({ kind: 'memory-port', port: others } satisfies FromDataThread, [others]);
  return new AskedStore(own, (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  });
}

let prepared: PreparedConfiguration | undefined;

async function apply({ configuration, ...supplies }: Delivery): Promise<void> {
  try {
    const listening = plane.commit(await plane.prepare(configuration, supplies));
    say({ kind: 'applied', listening });
  } catch (error) {
    say({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  }
}

async function prepare({ configuration, ...supplies }: Delivery): Promise<void> {
  try {
    prepared = await plane.prepare(configuration, supplies);
    say({ kind: 'prepared' });
  } catch (error) {
    say({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  }
}

function commit(): void {
  assert(prepared !== undefined, 'what is committed has been prepared');
  const listening = plane.commit(prepared);
  prepared = undefined;
  say({ kind: 'applied', listening });
}

function abandon(): void {
  if (prepared !== undefined) plane.abandon(prepared);
  prepared = undefined;
}

async function purgeStore(what: AnswerPurge): Promise<void> {
  const isDone = await plane.purgeStore(what);
  say(isDone ? { kind: 'purged' } : { kind: 'refused', reason: 'the store was not purged' });
}

/** One thing after the other, in the order in which they came. */
let last: Promise<void> = Promise.resolve();

port.on('message', (message: ToDataThread) => {
  switch (message.kind) {
    case 'prepare':
      last = last.then(() => prepare(message));
      return;
    case 'apply':
      last = last.then(() => apply(message));
      return;
    case 'commit':
      last = last.then(commit);
      return;
    case 'abandon':
      last = last.then(abandon);
      return;
    case 'drain':
      last = last.then(() => plane.drain(message.deadlineMs)).then(() => say({ kind: 'ended' }));
      return;
    case 'purge-store':
      last = last.then(() => purgeStore(message.what));
      return;
    case 'close':
      void plane.close().then(() => say({ kind: 'ended' }));
      return;
    case 'reopen-logs':
      return plane.reopenLogs();
    case 'ticket-keys':
      return plane.setTicketKeys(message.keys);
    case 'observe':
      return plane.observe(message.order);
    case 'endpoints':
      return plane.setEndpoints(message.service, message.list);
    case 'challenges':
      return plane.setChallenges(message.challenges);
    default:
      message satisfies never;
  }
});
