/** Entry of a worker that sends lines to Kafka: it is told of batches, one after the other, and tells what has become of each. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import { KafkaProducer, type KafkaProducerSettings } from '#telemetry/delivery/kafka-producer.ts';
import type { KafkaOrder } from './kafka-sender.ts';

assert(parentPort !== null, 'it is started as a worker');
const port = parentPort;
const producer = new KafkaProducer(workerData as KafkaProducerSettings, {
  later: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
});

port.on('message', async (order: KafkaOrder) => {
  if (order !== 'finish') return port.postMessage(await producer.send(order));
  await producer.close();
  // The thread ends when its connections have: without an answer to wait for, lines may still be on their way to the system.
  port.close();
});
