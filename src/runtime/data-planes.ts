/** Who serves: the data planes of data threads, or, with `threads: 0`, the one of this thread. Both are told the same. */
import { availableParallelism } from 'node:os';
import type { PurgeOutcome } from '#admin/cache-administration.ts';
import type { AnswerPurge } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { ThreadMeter } from '#base/meter.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { CacheCounts } from './cache-counts.ts';
import { toShortHash } from './configuration-hash.ts';
import { withoutControlSecrets } from './control-secrets.ts';
import type { DataPlane } from './data-plane.ts';
import type { ListeningAt } from './listener-set.ts';
import type { MemorySide } from './memory-side.ts';
import { meterFamilies } from './meter-families.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { RefusalCounts } from './refusal-counts.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { ConfigurationSupplies } from './served-snapshot.ts';
import { ThreadMeters } from './thread-meters.ts';
import { sharesPorts, ThreadPool } from './thread-pool.ts';
import type { TicketKeyring } from './ticket-keys.ts';

export interface DataPlanesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
  readonly memory: MemorySide;
  /** Overrides `threads` of the configuration. */
  readonly threads?: number | undefined;
  /** Data threads that have been started already. */
  readonly pool?: ThreadPool | undefined;
  readonly rehearsal?: Rehearsal | undefined;
  /** Something was observed in one of the threads. */
  onObserved(observed: Observed): void;
}

export class DataPlanes {
  readonly #options: DataPlanesOptions;
  #pool: ThreadPool | undefined;
  #plane: DataPlane | undefined;
  /** Of a data plane here. */
  readonly #refusals = new RefusalCounts();
  readonly #cacheCounts = new CacheCounts();
  readonly #meters = new ThreadMeters();
  /** The present configuration keeps answers in a store. */
  #keepsInStore = false;
  #version = 0;
  /** The last of each kind. */
  readonly #orders = new Map<ObservingOrder['kind'], ObservingOrder>();

  constructor(options: DataPlanesOptions) {
    this.#options = options;
  }

  /** The one of this thread, where there are no others. */
  get plane(): DataPlane | undefined {
    return this.#plane;
  }

  get pool(): ThreadPool | undefined {
    return this.#pool;
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#pool?.allowanceMemory ?? this.#plane?.allowanceMemory;
  }

  /** What answers are kept in; `undefined` where there have been none. */
  get answerMemory(): SharedArrayBuffer | undefined {
    return this.#pool?.answerMemory ?? this.#plane?.answers?.memory;
  }

  /** What policies have refused, in all threads. */
  get refusals(): RefusalCounts {
    return this.#pool?.refusals ?? this.#refusals;
  }

  /** What caches have done, in all threads. */
  get cacheCounts(): CacheCounts {
    return this.#pool?.cacheCounts ?? this.#cacheCounts;
  }

  /** What all threads have counted. */
  get meters(): ThreadMeters {
    return this.#pool?.meters ?? this.#meters;
  }

  /** How many configurations were delivered. */
  get version(): number {
    return this.#version;
  }

  countThreads(configuration: Configuration): number {
    const wanted = this.#options.threads ?? configuration.threads ?? availableParallelism();
    return sharesPorts ? wanted : Math.min(wanted, 1);
  }

  /** Makes threads, or a data plane here, as the configuration wants it. */
  async begin(configuration: Configuration): Promise<void> {
    const { clock, logger, board, memory, pool } = this.#options;
    if (this.countThreads(configuration) > 0) {
      this.#pool = pool ?? new ThreadPool({ clock, logger, board });
      this.#pool.setOwner(memory, (observed) => this.#options.onObserved(observed));
      return;
    }
    await this.dismissStarted();
    await this.beginHere();
  }

  /** Makes a data plane here. */
  async beginHere(): Promise<void> {
    if (this.#plane !== undefined) return;
    // Where other threads serve, this one does without its code.
    const { DataPlane } = await import('./data-plane.ts');
    const { clock, logger, board, memory, rehearsal } = this.#options;
    const openMemoryStore = () => memory.open();
    this.#plane = new DataPlane({
      clock,
      logger,
      board,
      refusals: this.#refusals,
      cacheCounts: this.#cacheCounts,
      meter: new ThreadMeter(this.#meters.provide(0)).resume(meterFamilies),
      sharesPorts,
      opensUnixSockets: true,
      threadNumber: 0,
      openMemoryStore,
      tell: (observed) => this.#options.onObserved(observed),
      rehearsal,
    });
    for (const order of this.#orders.values()) this.#plane.observe(order);
  }

  /** Threads that have been started already are not needed. */
  async dismissStarted(): Promise<void> {
    await this.#options.pool?.stop();
  }

  /** Makes a configuration the present one everywhere; rejects when one cannot follow, and then nothing has changed. */
  async deliver(
    configuration: Configuration,
    supplies: ConfigurationSupplies,
    { listens, hash }: { readonly listens: boolean; readonly hash: string },
  ): Promise<readonly ListeningAt[]> {
    const { clock, logger } = this.#options;
    const version = ++this.#version;
    const wanted = this.countThreads(configuration);
    if (version > 1 && (wanted === 0) !== (this.#pool === undefined))
      logger.log('warn', 'a change of `threads` from or to 0 takes effect at the next start', { threads: wanted });
    // In slices: where there are no data threads, this one serves.
    const encoding = encodeConfiguration(withoutControlSecrets(configuration), policyDefinitions, toShortHash(hash));
    const encoded = await runInSlices(encoding, clock);
    this.#keepsInStore = encoded.answerBytesMax > 0 && configuration.stores.redis !== undefined;
    if (this.#plane !== undefined) return this.#plane.commit(await this.#plane.prepare(encoded, supplies, { listens }));
    return this.#pool!.apply(
      { version, configuration: encoded, ...supplies },
      { count: Math.max(1, wanted), deadlineMs: configuration.shutdown.deadline },
    );
  }

  setEndpoints(service: string, list: EndpointList): void {
    this.#plane?.setEndpoints(service, list);
    this.#pool?.setEndpoints(service, list);
  }

  /** What those who observe exchanges are to do from now on. */
  observe(order: ObservingOrder): void {
    this.#orders.set(order.kind, order);
    this.#plane?.observe(order);
    this.#pool?.observe(order);
  }

  setTicketKeys(keys: TicketKeyring): void {
    this.#plane?.setTicketKeys(keys);
    this.#pool?.setTicketKeys(keys);
  }

  setChallenges(challenges: AcmeChallenges): void {
    this.#plane?.setChallenges(challenges);
    this.#pool?.setChallenges(challenges);
  }

  /** Throws answers out of the store that gateways share. */
  async purgeStore(what: AnswerPurge): Promise<PurgeOutcome['store']> {
    if (!this.#keepsInStore) return 'none';
    if (this.#plane !== undefined) return (await this.#plane.purgeStore(what)) ? 'purged' : 'failed';
    try {
      await this.#pool?.purgeStore(what);
      return 'purged';
    } catch {
      // Why not is in the log of the thread that has tried.
      return 'failed';
    }
  }

  reopenLogs(): void {
    this.#plane?.reopenLogs();
    this.#pool?.reopenLogs();
  }

  /** Running exchanges come to their end, or to the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    await this.#plane?.drain(deadlineMs);
    await this.#pool?.drain(deadlineMs);
    this.#forget();
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    await this.#plane?.close();
    await this.#pool?.stop();
    this.#forget();
  }

  #forget(): void {
    this.#plane = undefined;
    this.#pool = undefined;
  }
}
