/** The data threads: started, told of configurations, replaced when they die, drained. */
import { Worker } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { ConfigurationFiles, ListeningAt } from './data-plane.ts';
import type { FromDataThread, ToDataThread } from './thread-messages.ts';

const entry = new URL(import.meta.url.endsWith('.ts') ? './data-thread.ts' : './data-thread.js', import.meta.url);
/** A thread that dies sooner than this is not replaced at once, so that a fault at start does not become a loop. */
const SHORT_LIFE_MS = 1_000;

/** A configuration on its way to the threads. */
export interface Delivery {
  readonly version: number;
  readonly configuration: SharedArrayBuffer;
  readonly files: ConfigurationFiles;
}

/** A data thread could not do as the configuration says. */
export class ThreadRefusal extends Error {
  override readonly name = 'ThreadRefusal';
  readonly code: string | undefined;

  constructor(reason: string, code: string | undefined) {
    super(reason);
    this.code = code;
  }
}

class DataThread {
  readonly worker: Worker;
  readonly startedMs: number;
  #answer: { resolve(listening: readonly ListeningAt[]): void; reject(error: Error): void; version: number } | undefined;
  #onDrained: (() => void) | undefined;

  constructor(clock: Clock) {
    this.startedMs = clock.monotonicMs();
    this.worker = new Worker(entry);
    this.worker.on('message', (message: FromDataThread) => this.#onMessage(message));
  }

  apply(delivery: Delivery): Promise<readonly ListeningAt[]> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject, version: delivery.version };
      this.say({ kind: 'apply', ...delivery });
    });
  }

  drain(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.say({ kind: 'drain', deadlineMs });
    });
  }

  say(message: ToDataThread): void {
    this.worker.postMessage(message);
  }

  /** The thread has ended: whoever waits for its word waits no longer. */
  ended(): void {
    this.#answer?.reject(new ThreadRefusal('the data thread ended while it applied the configuration', undefined));
    this.#onDrained?.();
  }

  #onMessage(message: FromDataThread): void {
    if (message.kind === 'drained') this.#onDrained?.();
    if (message.kind !== 'applied' && message.kind !== 'refused') return;
    const answer = this.#answer;
    if (answer === undefined || answer.version !== message.version) return;
    this.#answer = undefined;
    if (message.kind === 'applied') answer.resolve(message.listening);
    else answer.reject(new ThreadRefusal(message.reason, message.code));
  }
}

export class ThreadPool {
  readonly #threads = new Set<DataThread>();
  readonly #clock: Clock;
  readonly #logger: Logger;
  #delivery: Delivery | undefined;
  #isStopping = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  get threadIds(): number[] {
    return [...this.#threads].map(({ worker }) => worker.threadId);
  }

  /** Brings the number of threads to `count` and all of them to this configuration. Rejects when one of them cannot follow. */
  async apply(delivery: Delivery, count: number): Promise<readonly ListeningAt[]> {
    while (this.#threads.size < count) this.#start();
    const before = this.#delivery;
    const results = await Promise.allSettled([...this.#threads].map((thread) => thread.apply(delivery)));
    const refused = results.find((result) => result.status === 'rejected');
    if (refused !== undefined) {
      // What one thread refuses, all take back.
      if (before !== undefined) await Promise.allSettled([...this.#threads].map((thread) => thread.apply(before)));
      throw refused.reason;
    }
    this.#delivery = delivery;
    const [first] = results;
    return first?.status === 'fulfilled' ? first.value : [];
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#threads].map((thread) => thread.drain(deadlineMs)));
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  reopenLogs(): void {
    for (const thread of this.#threads) thread.say({ kind: 'reopen-logs' });
  }

  /** Ends one thread without warning; it is replaced like one that died by itself. */
  async kill(threadId: number): Promise<void> {
    for (const { worker } of this.#threads) if (worker.threadId === threadId) await worker.terminate();
  }

  #start(): DataThread {
    const thread = new DataThread(this.#clock);
    const id = thread.worker.threadId;
    this.#threads.add(thread);
    thread.worker.on('error', (error) => this.#logger.log('error', 'data thread failed', { thread: id, error }));
    thread.worker.on('exit', () => {
      this.#threads.delete(thread);
      thread.ended();
      if (!this.#isStopping) this.#replace(id, thread.startedMs);
    });
    return thread;
  }

  #replace(id: number, startedMs: number): void {
    const delivery = this.#delivery;
    // Before the first configuration has been applied, the start itself fails and says so.
    if (delivery === undefined) return;
    const livedMs = this.#clock.monotonicMs() - startedMs;
    this.#logger.log('error', 'data thread ended and is replaced', { thread: id, livedMs: Math.round(livedMs) });
    const start = () => {
      if (this.#isStopping) return;
      this.#start()
        .apply(delivery)
        .catch((error) => this.#logger.log('error', 'replaced data thread refused the configuration', { error }));
    };
    if (livedMs < SHORT_LIFE_MS) setTimeout(start, SHORT_LIFE_MS);
    else start();
  }
}
