/** The control thread: loads and watches the configuration, has it applied everywhere or nowhere, tells whether it is ready, shuts down. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { type Finding, isError } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import type { ServiceHealth } from '#services/health/service-health.ts';
import { toRateLimitMetrics } from '#stores/rate-limit-metrics.ts';
import { AdminSide, type OpenedAdmin } from './admin-side.ts';
import type { AdministrationDesk } from './administration-desk.ts';
import { AggregateSide } from './aggregate-side.ts';
import type { ConfigurationOrigin } from './applied-configuration.ts';
import { CacheSide } from './cache-side.ts';
import { ConfigurationSide } from './configuration-side.ts';
import type { SourcedConfiguration } from './configuration-source.ts';
import { withoutControlFiles } from './control-secrets.ts';
import { findCredentialNames } from './credential-places.ts';
import type { DataPlane } from './data-plane.ts';
import { DataPlanes } from './data-planes.ts';
import { EndpointKeeper } from './endpoint-keeper.ts';
import { TooManyEndpoints } from './endpoint-registry.ts';
import { FileSide } from './file-side.ts';
import { ListenerAddresses, noAddresses, withAddresses } from './listener-addresses.ts';
import type { ListeningAt } from './listener-set.ts';
import { MemorySide } from './memory-side.ts';
import { MetricsSide } from './metrics-side.ts';
import type { Observed } from './observing-messages.ts';
import { ObservingSide } from './observing-side.ts';
import { QuotaSide } from './quota-side.ts';
import { logIssues, logRefusal, notRunning, type Refusal, type TakeOutcome, toRefusal } from './refusal.ts';
import type { Rehearsal } from './rehearsal.ts';
import { findRequestListener } from './request-listener.ts';
import type { ThreadPool } from './thread-pool.ts';
import { TlsSide } from './tls-side.ts';
import { TrafficSide } from './traffic-side.ts';
import { logUnverifiedServices } from './unverified-services.ts';

export interface ControlOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Loads the configuration from wherever it comes. Called at the start and for each reload. */
  load(): Promise<LoadedConfiguration>;
  /** Loads a text that stands for the configuration. Without it, operators cannot bring another one. */
  loadText?(text: string): Promise<LoadedConfiguration>;
  /** Overrides `threads` of the configuration. */
  readonly threads?: number | undefined;
  /** Data threads that have been started already. */
  readonly pool?: ThreadPool | undefined;
  /** Loads again when a file of the configuration changes. */
  readonly watches: boolean;
  /** The first of these files: it is watched before it is loaded, so that no change is missed. */
  readonly file?: string | undefined;
  /** Requests are only rehearsed: nothing outside is asked. Needs no data threads. */
  readonly rehearsal?: Rehearsal | undefined;
  /** Hears of listeners that a reload has opened. */
  onListening?(opened: readonly ListeningAt[]): void;
}

export interface Started {
  readonly listening: readonly ListeningAt[];
  readonly admin: SocketAddress | undefined;
  readonly adminScheme: 'http' | 'https';
}

const noInjection: Refusal = { issues: [], reasons: ['requests can be injected only with `threads: 0`'] };

/** How often nothing is done: only that the timer is there counts. */
const ALIVE_TICK_MS = 60_000;

export class Control {
  readonly #options: ControlOptions;
  readonly #board: EndpointBoard;
  readonly #planes: DataPlanes;
  readonly #memory: MemorySide;
  readonly #endpoints: EndpointKeeper;
  readonly #tls: TlsSide;
  readonly #quotas: QuotaSide;
  readonly #aggregates = new AggregateSide();
  readonly #traffic: TrafficSide;
  readonly #metrics: MetricsSide;
  readonly #observing: ObservingSide;
  readonly #admin: AdminSide;
  readonly #addresses = new ListenerAddresses();
  readonly #files: FileSide;
  readonly #configurations: ConfigurationSide;
  readonly #startedMs: number;
  #desk: AdministrationDesk | undefined;
  #configuration: Configuration | undefined;
  #notReady: string | undefined = 'starting';
  #listening: readonly ListeningAt[] = [];
  #listens = false;
  #isEnding = false;
  #started: Promise<Started | Refusal> | undefined;
  #drained: Promise<void> | undefined;
  /** The last thing that was asked for; one is done after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControlOptions) {
    const { clock, logger, threads, pool, watches, rehearsal } = options;
    this.#options = options;
    this.#startedMs = clock.wallMs();
    this.#files = new FileSide({ clock, logger, watches, onChange: () => void this.#inOrder(() => this.#reloadNow(false)) });
    this.#configurations = new ConfigurationSide(options);
    const board = pool?.board ?? new EndpointBoard();
    this.#board = board;
    const memory = new MemorySide({ clock, logger });
    this.#memory = memory;
    const findConfiguration = () => this.#configuration;
    this.#observing = new ObservingSide({
      clock,
      logger,
      findConfiguration,
      observe: (order) => planes.observe(order),
      reopenLogs: () => this.reopenLogs(),
    });
    const onObserved = (observed: Observed) => this.#observing.take(observed);
    const planes = new DataPlanes({ clock, logger, board, memory, threads, pool, rehearsal, onObserved });
    this.#planes = planes;
    this.#endpoints = new EndpointKeeper({ clock, logger, board, planes });
    const onCertificates = () => void this.#inOrder(() => this.#applyCertificates());
    this.#tls = new TlsSide({ clock, logger, planes, onCertificates });
    this.#quotas = new QuotaSide({ clock, logger });
    this.#traffic = new TrafficSide({
      clock,
      findConfiguration,
      findMeters: () => planes.meters,
      describeHealth: () => this.describeHealth(),
    });
    const cache = new CacheSide({ clock, logger, planes, findConfiguration });
    this.#metrics = new MetricsSide({
      clock,
      findMeters: () => planes.meters,
      findVersion: () => planes.version,
      exemplars: this.#observing.exemplars,
      forget: (removed) => planes.observe(removed),
      sources: [
        () => this.#tls.metricsText,
        () => this.#endpoints.writeMetrics(),
        () => toRateLimitMetrics(planes.allowanceMemory),
        () => planes.refusals.metricsText,
        () => this.#aggregates.metricsText,
        () => cache.metricsText,
        () => this.#observing.metricsText,
        () => this.#configurations.metricsText,
      ],
    });
    this.#admin = new AdminSide({
      clock,
      logger,
      reasonNotReady: () => this.#notReady,
      renderMetrics: (format) => this.#metrics.render(format),
      findConfiguration,
      loadAdministrations: async () => ({
        services: await this.#endpoints.createAdministration(findConfiguration),
        quotas: this.#quotas,
        cache,
        traffic: this.#traffic,
        exchanges: this.#observing.exchanges,
        ...(await this.#openDesk()),
        recordings: await this.#observing.createRecordings(),
        comparisons: this.#observing.comparisons,
      }),
    });
  }

  /** The data plane of this thread, where there are no others. */
  get plane(): DataPlane | undefined {
    return this.#planes.plane;
  }

  /** What all threads know of the endpoints. */
  get board(): EndpointBoard {
    return this.#board;
  }

  get pool(): ThreadPool | undefined {
    return this.#planes.pool;
  }

  /** What is known of the endpoints of all services. */
  describeHealth(): ServiceHealth[] {
    return this.#endpoints.describeHealth();
  }

  /** Loads the configuration and opens the listeners. Asked again, it tells the same until the end. */
  start(): Promise<Started | Refusal> {
    this.#started ??= this.#inOrder(() => this.#startNow());
    return this.#started;
  }

  /** Makes the data plane of this thread ready for requests without sockets, whether listeners are open or not. */
  async prepareInjection(): Promise<{ inject(request: InjectedRequest): Promise<InjectedAnswer> } | Refusal> {
    const refusal = this.#configuration === undefined ? await this.#inOrder(() => this.#prepareNow()) : undefined;
    if (refusal !== undefined) return refusal;
    const { plane } = this;
    if (plane === undefined) return noInjection;
    const listener = findRequestListener(this.#configuration?.listeners);
    return { inject: (request) => plane.inject(request, listener) };
  }

  /** Loads the configuration again. One that is refused changes nothing and is reported. */
  async reload(): Promise<Refusal | undefined> {
    return (await this.#inOrder(() => this.#reloadNow(true))).refusal;
  }

  /** Applies a text that an operator has brought. One that is refused changes nothing. */
  bring(text: string, origin: ConfigurationOrigin): Promise<TakeOutcome> {
    return this.#inOrder(() => this.#takeNow(() => this.#configurations.source.bring(text, origin)));
  }

  /** Not ready at once; then no new connections, running exchanges to their end or the deadline. */
  drain(): Promise<void> {
    this.#drained ??= this.#drainNow();
    return this.#drained;
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#files.stop();
    await this.#last;
    await this.#planes.stop();
    await this.#end();
  }

  reopenLogs(): void {
    this.#options.logger.reopen?.();
    this.#planes.reopenLogs();
  }

  /** What operators see of all this. It is kept, as the audit log is. */
  async #openDesk(): Promise<AdministrationDesk> {
    const { AdministrationDesk } = await import('./administration-desk.ts');
    this.#desk ??= new AdministrationDesk({
      ...this.#options,
      startedMs: this.#startedMs,
      side: this.#configurations,
      findConfiguration: () => this.#configuration,
      bring: (text, origin) => this.bring(text, origin),
      listListening: () => this.#listening,
      countThreads: (configuration) => this.#planes.countThreads(configuration),
      reasonNotReady: () => this.#notReady,
      listCertificates: () => this.#tls.certificates,
      findRefusals: () => this.#planes.refusals,
      findMeters: () => this.#planes.meters,
      findTraffic: () => this.#traffic.counted,
    });
    return this.#desk;
  }

  #inOrder<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {
      // Whoever asked for it is told; what comes next does not depend on it.
    });
    return result;
  }

  async #startNow(): Promise<Started | Refusal> {
    const { file } = this.#options;
    if (file !== undefined && !this.#isEnding) await this.#files.watchFirst(file);
    const sourced = await this.#configurations.source.load('file', { isAsked: true });
    const { configuration, issues } = sourced.loaded;
    if (configuration === undefined) {
      this.#started = undefined;
      this.#files.stop();
      await this.#planes.dismissStarted();
      return { issues, reasons: [] };
    }
    if (this.#isEnding) {
      await this.#planes.dismissStarted();
      return { listening: [], admin: undefined, adminScheme: 'http' };
    }
    await this.#watch(sourced.files, configuration);
    await this.#planes.begin(configuration);
    this.#listens = true;
    const refusal = await this.#apply(configuration, sourced);
    if (refusal !== undefined) {
      this.#files.stop();
      await this.#planes.stop();
      await this.#end();
      return refusal;
    }
    this.#notReady = this.#isEnding ? this.#notReady : undefined;
    const { logger } = this.#options;
    logUnverifiedServices(configuration, logger);
    logIssues(logger, 'warn', 'configuration warning', issues);
    const adminScheme = configuration.admin?.tls === undefined ? 'http' : 'https';
    return { listening: this.#listening, admin: this.#admin.address, adminScheme };
  }

  async #prepareNow(): Promise<Refusal | undefined> {
    if (this.#configuration !== undefined) return undefined;
    const sourced = await this.#configurations.source.load('file', { isAsked: true });
    const { configuration, issues } = sourced.loaded;
    if (configuration === undefined) return { issues, reasons: [] };
    if (this.#planes.countThreads(configuration) > 0) return noInjection;
    await this.#planes.beginHere();
    const refusal = await this.#apply(configuration, sourced);
    if (refusal !== undefined) await this.#planes.stop();
    return refusal;
  }

  /** `isAsked`: the file counts, also where an operator has brought another configuration and the file has not changed. */
  #reloadNow(isAsked: boolean): Promise<TakeOutcome> {
    return this.#takeNow(() => this.#configurations.source.load('reload', { isAsked }));
  }

  async #takeNow(load: () => Promise<SourcedConfiguration>): Promise<TakeOutcome> {
    // Nothing runs yet, or everything ends: there is nothing to change.
    if (this.#configuration === undefined || this.#isEnding) return notRunning;
    const { logger } = this.#options;
    await this.#files.mark();
    const sourced = await load();
    const { configuration, issues } = sourced.loaded;
    if (this.#isEnding) return notRunning;
    await this.#watch(sourced.files, configuration ?? this.#configuration);
    if (configuration === undefined) {
      this.#metrics.onRefused();
      logIssues(logger, 'error', 'configuration refused', issues.filter(isError));
      return { refusal: { issues, reasons: [] }, warnings: [] };
    }
    const before = this.#listening;
    const refusal = await this.#apply(configuration, sourced);
    if (refusal !== undefined) {
      this.#metrics.onRefused();
      logRefusal(logger, 'configuration refused', refusal);
      return { refusal, warnings: [] };
    }
    logger.log('info', 'configuration applied', {
      version: this.#planes.version,
      hash: this.#configurations.shortHash,
      routes: Object.keys(configuration.routes).length,
      ...sourced.origin,
    });
    logUnverifiedServices(configuration, logger);
    logIssues(logger, 'warn', 'configuration warning', issues);
    const opened = this.#listening.filter((now) => !before.some((other) => isSameListening(now, other)));
    if (opened.length > 0) this.#options.onListening?.(opened);
    return { refusal: undefined, warnings: issues };
  }

  /** The same configuration with other certificates. */
  async #applyCertificates(): Promise<void> {
    if (this.#configuration === undefined || this.#isEnding) return;
    const refusal = await this.#apply(this.#configuration, undefined);
    const { logger } = this.#options;
    if (refusal === undefined) logger.log('info', 'certificates applied', { version: this.#planes.version });
    else logRefusal(logger, 'certificates could not be applied', refusal);
  }

  async #drainNow(): Promise<void> {
    // What is waited for here, such as the answer of a collector, does not keep a process alive by itself.
    const staysAlive = setInterval(() => undefined, ALIVE_TICK_MS);
    try {
      await this.#putAway();
    } finally {
      clearInterval(staysAlive);
    }
  }

  async #putAway(): Promise<void> {
    this.#isEnding = true;
    this.#notReady = 'shutting down';
    this.#files.stop();
    // What is being loaded or applied comes to its end first, and changes nothing after this.
    await this.#last;
    const { delay, deadline } = this.#configuration?.shutdown ?? { delay: 0, deadline: 0 };
    if (delay > 0) await new Promise<void>((resolve) => setTimeout(resolve, delay));
    const beganMs = this.#options.clock.monotonicMs();
    await this.#planes.drain(deadline);
    await this.#observing.end(deadline - (this.#options.clock.monotonicMs() - beganMs));
    await this.#end();
  }

  /** Everything is closed; it may be started again. */
  async #end(): Promise<void> {
    const traffic = this.#traffic.takeCounted();
    this.#configuration = undefined;
    this.#addresses.clear();
    this.#endpoints.stop();
    this.#traffic.stop();
    this.#listening = [];
    this.#listens = false;
    this.#started = undefined;
    // The admin side begins to close at once: without a configuration, it would not know its token any more.
    await Promise.all([this.#admin.stop(), this.#tls.stop(), this.#observing.end(), this.#configurations.close(traffic)]);
    // Behind everybody who counts.
    this.#quotas.stop();
    this.#memory.forget();
    this.#drained = undefined;
    this.#isEnding = false;
  }

  async #watch(files: readonly string[], configuration: Configuration): Promise<void> {
    if (!this.#isEnding) await this.#files.watch(files, configuration);
  }

  /** Returns why the configuration could not be applied. What was loaded tells where things stand; it is large, so it is not kept. */
  async #apply(configuration: Configuration, sourced: SourcedConfiguration | undefined): Promise<Refusal | undefined> {
    let openedAdmin: OpenedAdmin | undefined;
    const loaded = sourced?.loaded;
    try {
      const listens = this.#listens;
      const quotas = await this.#quotas.provide(configuration);
      if (quotas.finding !== undefined) return toRefusal([quotas.finding], loaded);
      const reading = await this.#files.read(configuration);
      if ('findings' in reading) return toRefusal(reading.findings, loaded);
      const files = listens ? await this.#tls.withOrdered(configuration, reading.files) : reading.files;
      const hash = await this.#configurations.hash(configuration, sourced);
      openedAdmin = listens ? await this.#admin.open(configuration, files) : undefined;
      this.#tls.followListeners(configuration);
      const plan = await this.#endpoints.prepare(configuration);
      this.#memory.follow(configuration);
      await this.#observing.prepare(configuration, files.texts);
      const supplies = {
        files: withoutControlFiles(configuration, files),
        endpoints: plan.lists,
        quotaMemory: quotas.memory,
        callCounts: this.#aggregates.provide(configuration),
        credentialNames: findCredentialNames(configuration),
      };
      // Ports that the configuration leaves open are chosen as late as can be: until threads listen, anybody may take them.
      const settled = listens ? await this.#addresses.settle(configuration, this.pool === undefined) : noAddresses;
      this.#listening = await this.#planes.deliver(withAddresses(configuration, settled), supplies, { listens, hash });
      // Every thread has it by now, and few requests were counted since.
      const traffic = hash === this.#configurations.present?.hash ? undefined : this.#traffic.takeCounted();
      this.#observing.commit(configuration);
      this.#endpoints.commit(plan);
      if (listens) await this.#endpoints.followHealth(configuration, files);
      this.#addresses.commit(settled, this.#listening);
      this.#configuration = configuration;
      this.#tls.follow(configuration, files);
      if (listens) await this.#observing.follow(configuration, supplies.credentialNames);
      await this.#admin.swap(configuration, files, openedAdmin);
      await this.#configurations.close(traffic);
      if (sourced !== undefined) await this.#configurations.commit(sourced, { hash, version: this.#planes.version });
      this.#traffic.followConfiguration(configuration);
      this.#metrics.onApplied(configuration);
      return undefined;
    } catch (error) {
      this.#endpoints.abandon();
      this.#observing.abandon();
      if (this.#configuration !== undefined) this.#memory.follow(this.#configuration);
      await openedAdmin?.server.stop();
      if (error instanceof TooManyEndpoints) return toRefusal([toFinding(error)], loaded);
      return { issues: [], reasons: [error instanceof Error ? error.message : String(error)] };
    }
  }
}

function toFinding({ lack, message }: TooManyEndpoints): Finding {
  return { path: ['services', lack.service, 'endpoints'], code: 'conflict', message };
}

function isSameListening(one: ListeningAt, other: ListeningAt): boolean {
  return one.name === other.name && one.scheme === other.scheme && formatAddress(one.address) === formatAddress(other.address);
}
