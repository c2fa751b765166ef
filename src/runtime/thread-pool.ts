/** The data threads: started, told of configurations, replaced when they die, drained. */
import { type MessagePort, Worker } from 'node:worker_threads';
import type { AnswerPurge } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { forgetQuotaThread } from '#stores/quota-entries.ts';
import { provideConcurrencyMemory, takeBackPlaces } from '#stores/shared-concurrency.ts';
import { CacheCounts } from './cache-counts.ts';
import type { ListeningAt } from './listener-set.ts';
import type { MemorySide } from './memory-side.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { RefusalCounts } from './refusal-counts.ts';
import type { DataThreadStart, Delivery, FromDataThread, ToDataThread } from './thread-messages.ts';
import { ThreadMeters } from './thread-meters.ts';
import type { TicketKeyring } from './ticket-keys.ts';

/** Where this is depends on whether it is a source or built; the name is the same (package.json beside them). */
const entry = new URL(import.meta.resolve('#runtime/data-thread.ts'));
/** A thread that dies sooner than this is not replaced at once, so that a fault at start does not become a loop. */
const SHORT_LIFE_MS = 1_000;
/**
 * Room for new objects. Streams of HTTP/2 live long enough to be copied when there is little of it: with 12 MB, a request
 * costs a fifth more. The usual 48 MB would be more memory for each thread and are not needed.
 */
const YOUNG_GENERATION_MB = 32;
/** When a replaced thread that could not serve tries again: twice as long after each time. */
const AGAIN_FIRST_MS = 1_000;
const AGAIN_MAX_MS = 30_000;
/** How long a thread may take to end beyond what it was given; one that hangs is then ended from outside. */
const ENDING_GRACE_MS = 2_000;

/** Several threads can listen on one port here (`SO_REUSEPORT`). */
export const sharesPorts = process.platform === 'linux' || process.platform === 'freebsd';

export interface ThreadPoolOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
}

/** How long a thread may take to answer, at most; it compiles beside its requests. */
const ANSWER_PATIENCE_MS = 60_000;

interface Waiting {
  resolve(listening: readonly ListeningAt[]): void;
  reject(error: Error): void;
}

/** A data thread could not do as the configuration says. */
class ThreadRefusal extends Error {
  override readonly name = 'ThreadRefusal';
}

/** Who hears what threads say without being asked. */
interface ThreadListener {
  onMemoryPort(port: MessagePort): void;
  onObserved(observed: Observed): void;
}

class DataThread {
  readonly worker: Worker;
  readonly startedMs: number;
  readonly opensUnixSockets: boolean;
  /** The last configuration that it was told of. */
  toldVersion = 0;
  /** It has, or is about to have, a configuration. */
  isServing = false;
  /** It is meant to end: nobody takes its place. */
  isEnding = false;
  /** Who waits for a word, in the order in which the thread was asked. */
  readonly #waiting: Waiting[] = [];
  #isGone = false;
  #onEnded: (() => void) | undefined;

  readonly #listener: ThreadListener;

  constructor(clock: Clock, start: DataThreadStart, listener: ThreadListener) {
    this.#listener = listener;
    this.startedMs = clock.monotonicMs();
    this.opensUnixSockets = start.opensUnixSockets;
    this.worker = new Worker(entry, { workerData: start, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
    this.worker.on('message', (message: FromDataThread) => this.#onMessage(message));
  }

  /** Makes a configuration ready beside the present one. */
  prepare(delivery: Delivery): Promise<readonly ListeningAt[]> {
    this.toldVersion = delivery.version;
    return this.#ask({ kind: 'prepare', ...delivery });
  }

  /** Makes the prepared configuration the present one. */
  commit(): Promise<readonly ListeningAt[]> {
    this.isServing = true;
    return this.#ask({ kind: 'commit' });
  }

  /** Both at once. */
  apply(delivery: Delivery): Promise<readonly ListeningAt[]> {
    this.toldVersion = delivery.version;
    this.isServing = true;
    return this.#ask({ kind: 'apply', ...delivery });
  }

  /** Rejects where it could not. */
  async purgeStore(what: AnswerPurge): Promise<void> {
    await this.#ask({ kind: 'purge-store', what });
  }

  /** Lets the thread end by itself, for as long as `patienceMs`, and then ends it. */
  async end(message: ToDataThread, patienceMs: number): Promise<void> {
    this.isEnding = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs + ENDING_GRACE_MS);
      this.#onEnded = () => {
        clearTimeout(timer);
        resolve();
      };
      this.say(message);
    });
    await this.worker.terminate();
  }

  /** Ends the thread now. One that has never been told anything has nothing to put away. */
  async stop(): Promise<void> {
    if (this.toldVersion > 0) return this.end({ kind: 'close' }, 0);
    this.isEnding = true;
    await this.worker.terminate();
  }

  say(message: ToDataThread): void {
    this.worker.postMessage(message);
  }

  /** The thread is gone: whoever waits for its word waits no longer. */
  gone(): void {
    this.#isGone = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new ThreadRefusal('a data thread ended meanwhile'));
    this.#onEnded?.();
  }

  #ask(message: ToDataThread): Promise<readonly ListeningAt[]> {
    if (this.#isGone) return Promise.reject(new ThreadRefusal('a data thread has ended'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new ThreadRefusal('a data thread does not answer')), ANSWER_PATIENCE_MS);
      const answered = () => clearTimeout(timer);
      this.#waiting.push({
        resolve: (listening) => {
          answered();
          resolve(listening);
        },
        reject: (error) => {
          answered();
          reject(error);
        },
      });
      this.say(message);
    });
  }

  #onMessage(message: FromDataThread): void {
    if (message.kind === 'ended') return this.#onEnded?.();
    if (message.kind === 'memory-port') return this.#listener.onMemoryPort(message.port);
    if (message.kind === 'observed') return this.#listener.onObserved(message.observed);
    const waiting = this.#waiting.shift();
    if (message.kind === 'refused') waiting?.reject(new ThreadRefusal(message.reason));
    else waiting?.resolve(message.kind === 'applied' ? message.listening : []);
  }
}

export class ThreadPool {
  readonly #threads = new Set<DataThread>();
  readonly #options: ThreadPoolOptions;
  #delivery: Delivery | undefined;
  #challenges: AcmeChallenges | undefined;
  #ticketKeys: TicketKeyring | undefined;
  #count = 0;
  #isStopping = false;
  readonly #numbers = new Set<number>();
  readonly refusals = new RefusalCounts();
  readonly cacheCounts = new CacheCounts();
  readonly meters = new ThreadMeters();
  /** What limits of concurrency count in. */
  #concurrencyMemory: SharedArrayBuffer | undefined;
  #memory: MemorySide | undefined;
  /** The last of each kind. */
  readonly #orders = new Map<ObservingOrder['kind'], ObservingOrder>();
  #onObserved: ((observed: Observed) => void) | undefined;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  get board(): EndpointBoard {
    return this.#options.board;
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#delivery?.allowanceMemory;
  }

  /** What answers are kept in; `undefined` where there have been none. */
  get answerMemory(): SharedArrayBuffer | undefined {
    return this.#delivery?.answerMemory;
  }

  get threadIds(): number[] {
    return this.#serving.map(({ worker }) => worker.threadId);
  }

  /** Starts a first thread before there is a configuration, so that it loads its code while that is read. */
  warmUp(): void {
    if (this.#threads.size === 0) this.#start();
  }

  /**
   * Brings all threads to this configuration and their number to `count`; those that are too many have `deadlineMs` to
   * finish. Rejects when one cannot follow; then all keep the configuration before.
   */
  async apply(ordered: Delivery, { count, deadlineMs }: { count: number; deadlineMs: number }): Promise<readonly ListeningAt[]> {
    const allowanceMemory = this.#provideAllowanceMemory(ordered);
    const answerMemory = this.#provideAnswerMemory(ordered, count);
    const delivery = {
      ...ordered,
      allowanceMemory,
      answerMemory,
      concurrencyMemory: this.#provideConcurrencyMemory(ordered, count),
    };
    while (this.#serving.length < count) this.#start();
    const told = this.#serving;
    if (this.#delivery !== undefined) await this.#prepareAll(told, delivery);
    const results = await Promise.allSettled(
      told.map((thread) => (this.#delivery === undefined ? thread.apply(delivery) : thread.commit())),
    );
    const refused = results.find((result) => result.status === 'rejected');
    // What was prepared cannot be refused: a thread that ends now is replaced by one with the new configuration.
    if (this.#delivery === undefined && refused !== undefined) throw refused.reason;
    this.#delivery = delivery;
    this.#count = count;
    // One that was replaced meanwhile began with the configuration before.
    for (const thread of this.#serving) if (thread.toldVersion !== delivery.version) this.#bringUp(thread, delivery);
    for (const thread of this.#serving.slice(count)) void thread.end({ kind: 'drain', deadlineMs }, deadlineMs);
    const listing = results.find((result, i) => result.status === 'fulfilled' && told[i]!.opensUnixSockets) ?? results[0];
    return listing?.status === 'fulfilled' ? listing.value : [];
  }

  /** Of the last configuration, so that a reload gives nobody more; also while no limit needs it. */
  #provideAllowanceMemory({ configuration }: Delivery): SharedArrayBuffer | undefined {
    const present = this.#delivery?.allowanceMemory;
    return configuration.allowanceKeysMax === 0 ? present : provideAllowanceMemory(configuration.allowanceKeysMax, present);
  }

  /** Of the last configuration, so that a reload keeps what is in it; also while nothing is kept. */
  #provideAnswerMemory({ configuration }: Delivery, threads: number): SharedArrayBuffer | undefined {
    const present = this.#delivery?.answerMemory;
    const bytes = configuration.answerBytesMax;
    return bytes === 0 ? present : provideAnswerMemory({ bytes, threads }, present);
  }

  /** Of the first configuration that needs it, unless there are far more threads now. */
  #provideConcurrencyMemory({ configuration }: Delivery, threads: number): SharedArrayBuffer | undefined {
    if (configuration.countsConcurrency)
      this.#concurrencyMemory = provideConcurrencyMemory({ threads, present: this.#concurrencyMemory });
    return this.#concurrencyMemory;
  }

  /** One thread after the other, so that the others serve at full speed while one compiles beside its requests. */
  async #prepareAll(threads: readonly DataThread[], delivery: Delivery): Promise<void> {
    try {
      for (const thread of threads) await thread.prepare(delivery);
    } catch (error) {
      for (const thread of threads) {
        thread.say({ kind: 'abandon' });
        if (!thread.isServing) void thread.stop();
      }
      throw error;
    }
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#threads].map((thread) => thread.end({ kind: 'drain', deadlineMs }, deadlineMs)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  /** What all threads keep things in, and who hears what they observe. Said before the first configuration. */
  setOwner(memory: MemorySide, onObserved: (observed: Observed) => void): void {
    this.#memory = memory;
    this.#onObserved = onObserved;
  }

  /** Tells all threads, and those that start later. */
  observe(order: ObservingOrder): void {
    this.#orders.set(order.kind, order);
    for (const thread of this.#threads) thread.say({ kind: 'observe', order });
  }

  /** Tells all threads, and those that start later. */
  setTicketKeys(keys: TicketKeyring): void {
    this.#ticketKeys = keys;
    for (const thread of this.#threads) thread.say({ kind: 'ticket-keys', keys });
  }

  /** What an authority is shown from now on, also by threads that start later. */
  setChallenges(challenges: AcmeChallenges): void {
    this.#challenges = challenges;
    for (const thread of this.#threads) thread.say({ kind: 'challenges', challenges });
  }

  /** Tells all threads, and those that start later. */
  setEndpoints(service: string, list: EndpointList): void {
    if (this.#delivery !== undefined)
      this.#delivery = { ...this.#delivery, endpoints: { ...this.#delivery.endpoints, [service]: list } };
    for (const thread of this.#threads) thread.say({ kind: 'endpoints', service, list });
  }

  /** By one of the threads, which has a connection to it. Rejects where it could not. */
  async purgeStore(what: AnswerPurge): Promise<void> {
    await this.#serving[0]?.purgeStore(what);
  }

  reopenLogs(): void {
    for (const thread of this.#threads) thread.say({ kind: 'reopen-logs' });
  }

  /** Ends one thread without warning; it is replaced like one that died by itself. */
  async kill(threadId: number): Promise<void> {
    for (const { worker } of this.#threads) if (worker.threadId === threadId) await worker.terminate();
  }

  get #serving(): DataThread[] {
    // The one with the Unix sockets comes first, so that it is never one too many.
    return [...this.#threads]
      .filter(({ isEnding }) => !isEnding)
      .sort((one, other) => Number(other.opensUnixSockets) - Number(one.opensUnixSockets));
  }

  #start(): DataThread {
    const opensUnixSockets = this.#serving.every((other) => !other.opensUnixSockets);
    const { clock, logger, board } = this.#options;
    const threadNumber = this.#takeNumber();
    const start = {
      sharesPorts,
      opensUnixSockets,
      threadNumber,
      board: board.memory,
      refusals: this.refusals.memory,
      cacheCounts: this.cacheCounts.memory,
      meter: this.meters.provide(threadNumber),
    };
    const thread = new DataThread(clock, start, {
      onMemoryPort: (port) => this.#memory?.serve(port),
      onObserved: (observed) => this.#onObserved?.(observed),
    });
    const id = thread.worker.threadId;
    this.#threads.add(thread);
    if (this.#ticketKeys !== undefined) thread.say({ kind: 'ticket-keys', keys: this.#ticketKeys });
    for (const order of this.#orders.values()) thread.say({ kind: 'observe', order });
    if (this.#challenges !== undefined) thread.say({ kind: 'challenges', challenges: this.#challenges });
    thread.worker.on('error', (error) => logger.log('error', 'data thread failed', { thread: id, error }));
    thread.worker.on('exit', () => {
      this.#threads.delete(thread);
      thread.gone();
      board.forgetDeadThread(threadNumber);
      this.#forgetNumber(threadNumber);
      if (!this.#isStopping && !thread.isEnding) this.#replace(id, thread.startedMs);
    });
    return thread;
  }

  /** The least that no thread has. */
  #takeNumber(): number {
    let number = 0;
    while (this.#numbers.has(number)) number += 1;
    this.#numbers.add(number);
    return number;
  }

  /** The thread is gone: what it held is free for others before another thread has its number. */
  #forgetNumber(number: number): void {
    if (this.#concurrencyMemory !== undefined) takeBackPlaces(this.#concurrencyMemory, number);
    const { quotaMemory, answerMemory } = this.#delivery ?? {};
    if (answerMemory !== undefined) SharedAnswers.forgetThread(answerMemory, number);
    if (quotaMemory !== undefined) forgetQuotaThread(quotaMemory, number);
    this.meters.forget(number);
    this.#numbers.delete(number);
  }

  #replace(id: number, startedMs: number): void {
    // Before the first configuration has been applied, the start itself fails and says so.
    if (this.#delivery === undefined) return;
    const livedMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.logger.log('error', 'data thread ended and is replaced', { thread: id, livedMs: Math.round(livedMs) });
    const start = () => {
      // A configuration may have brought the number to what it should be already.
      if (!this.#isStopping && this.#serving.length < this.#count) this.#bringUp(this.#start(), this.#delivery!);
    };
    if (livedMs < SHORT_LIFE_MS) setTimeout(start, SHORT_LIFE_MS);
    else start();
  }

  /** What refuses a configuration that others have taken is around it: an address in use, a folder that is gone, too many files. */
  #bringUp(thread: DataThread, delivery: Delivery, againMs: number = AGAIN_FIRST_MS): void {
    thread.apply(delivery).catch((error) => {
      const isCurrent = () =>
        !this.#isStopping && !thread.isEnding && this.#threads.has(thread) && thread.toldVersion === delivery.version;
      // Told of something newer meanwhile: that is what counts.
      if (!isCurrent()) return;
      this.#options.logger.log('error', 'replaced data thread refused the configuration and tries again', { error, againMs });
      const again = () => {
        if (isCurrent()) this.#bringUp(thread, this.#delivery!, Math.min(againMs * 2, AGAIN_MAX_MS));
      };
      setTimeout(again, againMs).unref();
    });
  }
}
