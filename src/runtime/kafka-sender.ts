/** Sends lines to Kafka in a thread of its own. One that has died, of whatever it was that a broker said, is replaced with the next batch. */
import { Worker } from 'node:worker_threads';
import type { KafkaOutcome, KafkaSender } from '#telemetry/delivery/kafka-lines.ts';
import type { KafkaProducerSettings } from '#telemetry/delivery/kafka-producer.ts';

/** What the thread is told: lines to send, or to end when those before have left. */
export type KafkaOrder = Uint8Array<ArrayBuffer> | 'finish';

/** Where this is depends on whether it is a source or built; the name is the same (package.json beside them). */
const entry = new URL(import.meta.resolve('#runtime/kafka-thread.ts'));

export class ThreadedKafkaSender implements KafkaSender {
  readonly #settings: KafkaProducerSettings;
  #worker: Worker | undefined;
  #isClosed = false;

  constructor(settings: KafkaProducerSettings) {
    this.#settings = settings;
  }

  send(lines: Uint8Array<ArrayBuffer>): Promise<KafkaOutcome> {
    if (this.#isClosed) return Promise.resolve({ kind: 'unsent', reason: 'the thread that sends was ended' });
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve) => {
      const onOutcome = (outcome: KafkaOutcome) => {
        worker.off('message', onOutcome);
        worker.off('error', onError);
        worker.off('exit', onExit);
        resolve(outcome);
      };
      const onError = (error: Error) => onOutcome({ kind: 'unsent', reason: error.message });
      const onExit = () => onOutcome({ kind: 'unsent', reason: 'the thread that sends has ended' });
      worker.on('message', onOutcome);
      worker.on('error', onError);
      worker.on('exit', onExit);
      worker.postMessage(lines, [lines.buffer]);
    });
  }

  async finish(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
      worker.postMessage('finish' satisfies KafkaOrder);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    // Without an environment, of which the library would heed a part.
    const worker = new Worker(entry, { workerData: this.#settings, env: {}, name: 'kafka' });
    // A program that embeds the gateway may end meanwhile.
    worker.unref();
    const forget = () => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.on('error', forget);
    worker.on('exit', forget);
    return worker;
  }
}
