/** The control thread: loads and watches the configuration, tells the data threads, answers health checks, shuts down. */
import { availableParallelism } from 'node:os';
import type { AdminServer } from '#admin/admin-server.ts';
import type { ServiceAdministration } from '#admin/service-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { type Finding, formatPath, type Issue, isError, sortIssues } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import { takesBytes } from '#config/takes-bytes.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import type { EndpointTarget } from '#services/endpoint-source.ts';
import { describeHealth, type ServiceHealth } from '#services/health/service-health.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { FileWatcher } from '#sources/file/file-watcher.ts';
import type { CertificateService } from './certificate-service.ts';
import { withoutControlSecrets } from './control-secrets.ts';
import type { ConfigurationSupplies, DataPlane } from './data-plane.ts';
import type { Discovery } from './discovery.ts';
import { type DiscoveredEndpoints, EndpointRegistry } from './endpoint-registry.ts';
import type { HealthService } from './health-service.ts';
import { ListenFailure } from './listen-failure.ts';
import type { ListeningAt } from './listener-set.ts';
import { type ConfigurationFiles, listNamedFiles, noFiles } from './named-files.ts';
import { isSamePort, probeAddress } from './port-probe.ts';
import type { NamedFileReader, NamedFilesReading } from './read-named-files.ts';
import { findRequestListener } from './request-listener.ts';
import { sharesPorts, ThreadPool } from './thread-pool.ts';
import { TicketKeys } from './ticket-keys.ts';
import { logUnverifiedServices } from './unverified-services.ts';

export interface ControlOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Loads the configuration from wherever it comes. Called at the start and for each reload. */
  load(): Promise<LoadedConfiguration>;
  /** Overrides `threads` of the configuration. */
  readonly threads?: number | undefined;
  /** Data threads that have been started already. */
  readonly pool?: ThreadPool | undefined;
  /** Loads again when a file of the configuration changes. */
  readonly watches: boolean;
  /** Hears of listeners that a reload has opened. */
  onListening?(opened: readonly ListeningAt[]): void;
}

/** Why a configuration was not taken. Nothing was changed. */
export interface Refusal {
  readonly issues: readonly Issue[];
  /** What went wrong beyond the document and the files that it names: a port in use. */
  readonly reasons: readonly string[];
}

export interface Started {
  readonly listening: readonly ListeningAt[];
  readonly admin: SocketAddress | undefined;
}

/** Where a listener listens: as it is written, and with the port that was chosen for it. */
interface SettledAddress {
  readonly written: SocketAddress;
  readonly settled: SocketAddress;
}

interface Admin {
  readonly server: AdminServer;
  readonly written: SocketAddress;
  readonly bound: SocketAddress;
}

/** How often it is looked whether keys of session tickets are old enough to be replaced. */
const TICKET_LOOK_MS = 10_000;

const noInjection: Refusal = { issues: [], reasons: ['requests can be injected only with `threads: 0`'] };

export class Control {
  readonly #options: ControlOptions;
  readonly #board: EndpointBoard;
  readonly #endpoints: EndpointRegistry;
  #health: HealthService | undefined;
  #watcher: FileWatcher | undefined;
  #pool: ThreadPool | undefined;
  #plane: DataPlane | undefined;
  #admin: Admin | undefined;
  #certificates: CertificateService | undefined;
  /** Only where a configuration has asked for it. */
  #discovery: Discovery | undefined;
  #configuration: Configuration | undefined;
  #fileReader: NamedFileReader | undefined;
  #settled: ReadonlyMap<string, SettledAddress> = new Map();
  #version = 0;
  readonly #ticketKeys: TicketKeys;
  #ticketTimer: NodeJS.Timeout | undefined;
  #notReady: string | undefined = 'starting';
  #listening: readonly ListeningAt[] = [];
  #listens = false;
  #isEnding = false;
  #started: Promise<Started | Refusal> | undefined;
  #drained: Promise<void> | undefined;
  /** The last thing that was asked for; one is done after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#board = options.pool?.board ?? new EndpointBoard();
    this.#endpoints = new EndpointRegistry(this.#board);
    this.#ticketKeys = new TicketKeys(options.clock);
  }

  /** The data plane of this thread, where there are no others. */
  get plane(): DataPlane | undefined {
    return this.#plane;
  }

  /** What all threads know of the endpoints. */
  get board(): EndpointBoard {
    return this.#board;
  }

  get pool(): ThreadPool | undefined {
    return this.#pool;
  }

  /** What is known of the endpoints of all services. */
  describeHealth(): ServiceHealth[] {
    const { clock } = this.#options;
    const findCheck = (service: string, url: string) => this.#health?.checks.find(service, url);
    return describeHealth(this.#endpoints.lists, { board: this.#board, clock, findCheck });
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
    const plane = this.#plane;
    if (plane === undefined) return noInjection;
    const listener = findRequestListener(this.#configuration?.listeners);
    return { inject: (request) => plane.inject(request, listener) };
  }

  /** Loads the configuration again. One that is refused changes nothing and is reported. */
  reload(): Promise<Refusal | undefined> {
    return this.#inOrder(() => this.#reloadNow());
  }

  /** Not ready at once; then no new connections, running exchanges to their end or the deadline. */
  drain(): Promise<void> {
    this.#drained ??= this.#drainNow();
    return this.#drained;
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#watcher?.stop();
    await this.#last;
    await this.#plane?.close();
    await this.#pool?.stop();
    await this.#end();
  }

  reopenLogs(): void {
    this.#plane?.reopenLogs();
    this.#pool?.reopenLogs();
  }

  #inOrder<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {
      // Whoever asked for it is told; what comes next does not depend on it.
    });
    return result;
  }

  async #startNow(): Promise<Started | Refusal> {
    const loaded = await this.#options.load();
    const { configuration, issues, files } = loaded;
    if (configuration === undefined) {
      this.#started = undefined;
      await this.#options.pool?.stop();
      return { issues, reasons: [] };
    }
    if (this.#isEnding) {
      await this.#options.pool?.stop();
      return { listening: [], admin: undefined };
    }
    await this.#watch(files, configuration);
    const { clock, logger } = this.#options;
    if (this.#countThreads(configuration) > 0)
      this.#pool = this.#options.pool ?? new ThreadPool({ clock, logger, board: this.#board });
    else {
      await this.#options.pool?.stop();
      this.#plane ??= await this.#createPlane();
    }
    this.#listens = true;
    const refusal = await this.#apply(configuration, loaded);
    if (refusal !== undefined) {
      this.#watcher?.stop();
      await this.#plane?.close();
      await this.#pool?.stop();
      await this.#end();
      return refusal;
    }
    this.#notReady = this.#isEnding ? this.#notReady : undefined;
    logUnverifiedServices(configuration, logger);
    this.#logIssues('warn', 'configuration warning', issues);
    return { listening: this.#listening, admin: this.#admin?.bound };
  }

  async #prepareNow(): Promise<Refusal | undefined> {
    if (this.#configuration !== undefined) return undefined;
    const loaded = await this.#options.load();
    const { configuration, issues } = loaded;
    if (configuration === undefined) return { issues, reasons: [] };
    if (this.#countThreads(configuration) > 0) return noInjection;
    this.#plane = await this.#createPlane();
    const refusal = await this.#apply(configuration, loaded);
    if (refusal === undefined) return undefined;
    await this.#plane.close();
    this.#plane = undefined;
    return refusal;
  }

  async #reloadNow(): Promise<Refusal | undefined> {
    // Nothing runs yet, or everything ends: there is nothing to change.
    if (this.#configuration === undefined || this.#isEnding) return undefined;
    const { logger } = this.#options;
    await this.#watcher?.mark();
    const loaded = await this.#options.load();
    const { configuration, issues, files } = loaded;
    if (this.#isEnding) return undefined;
    await this.#watch(files, configuration ?? this.#configuration);
    if (configuration === undefined) {
      this.#logIssues('error', 'configuration refused', issues.filter(isError));
      return { issues, reasons: [] };
    }
    const before = this.#listening;
    const refusal = await this.#apply(configuration, loaded);
    if (refusal !== undefined) {
      this.#logRefusal('configuration refused', refusal);
      return refusal;
    }
    logger.log('info', 'configuration applied', { version: this.#version, routes: Object.keys(configuration.routes).length });
    logUnverifiedServices(configuration, logger);
    this.#logIssues('warn', 'configuration warning', issues);
    const opened = this.#listening.filter((now) => !before.some((other) => isSameListening(now, other)));
    if (opened.length > 0) this.#options.onListening?.(opened);
    return undefined;
  }

  #logIssues(level: 'warn' | 'error', event: string, issues: readonly Issue[]): void {
    for (const { file, line, column, path, message } of issues)
      this.#options.logger.log(level, event, { file, line, column, path: formatPath(path), issue: message });
  }

  /** The same configuration with other certificates. */
  async #applyCertificates(): Promise<void> {
    if (this.#configuration === undefined || this.#isEnding) return;
    const refusal = await this.#apply(this.#configuration, undefined);
    if (refusal === undefined) this.#options.logger.log('info', 'certificates applied', { version: this.#version });
    else this.#logRefusal('certificates could not be applied', refusal);
  }

  #logRefusal(message: string, { issues, reasons }: Refusal): void {
    const { logger } = this.#options;
    for (const { file, line, column, message: issue } of issues) logger.log('error', message, { file, line, column, issue });
    for (const reason of reasons) logger.log('error', message, { reason });
  }

  async #drainNow(): Promise<void> {
    this.#isEnding = true;
    this.#notReady = 'shutting down';
    this.#watcher?.stop();
    // What is being loaded or applied comes to its end first, and changes nothing after this.
    await this.#last;
    const { delay, deadline } = this.#configuration?.shutdown ?? { delay: 0, deadline: 0 };
    if (delay > 0) await new Promise<void>((resolve) => setTimeout(resolve, delay));
    await this.#plane?.drain(deadline);
    await this.#pool?.drain(deadline);
    await this.#end();
  }

  /** Everything is closed; it may be started again. */
  async #end(): Promise<void> {
    const admin = this.#admin;
    const certificates = this.#certificates;
    clearInterval(this.#ticketTimer);
    this.#ticketTimer = undefined;
    this.#plane = undefined;
    this.#pool = undefined;
    this.#admin = undefined;
    this.#certificates = undefined;
    this.#watcher = undefined;
    this.#configuration = undefined;
    this.#settled = new Map();
    this.#health?.stop();
    this.#health = undefined;
    this.#discovery?.stop();
    this.#discovery = undefined;
    this.#endpoints.clear();
    this.#listening = [];
    this.#listens = false;
    this.#started = undefined;
    await certificates?.stop();
    await admin?.server.stop();
    this.#drained = undefined;
    this.#isEnding = false;
  }

  /** Where other threads serve, this one does without its code. */
  async #createPlane(): Promise<DataPlane> {
    const { DataPlane } = await import('./data-plane.ts');
    const { clock, logger } = this.#options;
    return new DataPlane({ clock, logger, board: this.#board, sharesPorts, opensUnixSockets: true });
  }

  async #watch(files: readonly string[], configuration: Configuration): Promise<void> {
    if (!this.#options.watches || this.#isEnding) return;
    this.#watcher ??= new FileWatcher(() => void this.reload());
    await this.#watcher.watch([...new Set([...files, ...listNamedFiles(configuration)])]);
  }

  #countThreads(configuration: Configuration): number {
    const wanted = this.#options.threads ?? configuration.threads ?? availableParallelism();
    return sharesPorts ? wanted : Math.min(wanted, 1);
  }

  /** Returns why the configuration could not be applied. `loaded` tells where things stand; it is large, so it is not kept. */
  async #apply(configuration: Configuration, loaded: LoadedConfiguration | undefined): Promise<Refusal | undefined> {
    let openedAdmin: Admin | undefined;
    try {
      const reading = await this.#readNamedFiles(configuration);
      if ('findings' in reading) return toRefusal(reading.findings, loaded);
      const files = await this.#withOrdered(configuration, reading.files);
      const settled = this.#listens ? await this.#settleAddresses(configuration) : new Map<string, SettledAddress>();
      openedAdmin = this.#listens ? await this.#openAdmin(configuration) : undefined;
      if (this.#ticketKeys.follow(configuration)) this.#giveTicketKeys();
      const plan = this.#endpoints.plan(configuration, await this.#discover(configuration));
      this.#listening = await this.#deliver(withAddresses(configuration, settled), { files, endpoints: plan.lists });
      for (const [service, list] of Object.entries(this.#endpoints.commit(plan))) this.#giveEndpoints(service, list);
      this.#discovery?.commit();
      if (this.#listens) await this.#followHealth(configuration, files);
      this.#settled = withBoundPorts(settled, this.#listening);
      this.#configuration = configuration;
      this.#certificates?.follow(configuration, files.texts);
      await this.#swapAdmin(configuration, openedAdmin);
      return undefined;
    } catch (error) {
      this.#endpoints.release();
      this.#discovery?.abandon();
      await openedAdmin?.server.stop();
      return { issues: [], reasons: [error instanceof Error ? error.message : String(error)] };
    }
  }

  /** What checks endpoints is loaded only by configurations that ask for it. */
  async #followHealth(configuration: Configuration, files: ConfigurationFiles): Promise<void> {
    if (this.#health === undefined) {
      if (Object.values(configuration.services).every(({ health }) => health === undefined)) return;
      const { HealthService } = await import('./health-service.ts');
      const { clock, logger } = this.#options;
      this.#health = new HealthService({ clock, logger, board: this.#board });
    }
    this.#health.follow(configuration, files, this.#endpoints.lists);
  }

  /** What sources have found by now for the services of a configuration. */
  async #discover(configuration: Configuration): Promise<DiscoveredEndpoints> {
    const isWanted = Object.values(configuration.services).some(({ discover }) => discover !== undefined);
    if (!isWanted && this.#discovery === undefined) return new Map();
    if (this.#discovery === undefined) {
      const { Discovery } = await import('./discovery.ts');
      const { clock, logger } = this.#options;
      this.#discovery = new Discovery({
        clock,
        logger,
        random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
        onEndpoints: (service, endpoints) => this.#setDiscovered(service, endpoints),
      });
    }
    return this.#discovery.prepare(configuration);
  }

  #setDiscovered(service: string, endpoints: readonly EndpointTarget[]): void {
    const { logger } = this.#options;
    try {
      const list = this.#endpoints.setDiscovered(service, endpoints);
      if (list === undefined) return;
      this.#giveEndpoints(service, list);
      logger.log('info', 'endpoints found', { service, endpoints: list.records.length, version: list.version });
    } catch (error) {
      logger.log('error', 'endpoints cannot be used', { service, error });
    }
  }

  #giveEndpoints(service: string, list: EndpointList): void {
    this.#health?.checks.followLists(this.#endpoints.lists);
    this.#plane?.setEndpoints(service, list);
    this.#pool?.setEndpoints(service, list);
  }

  #giveTicketKeys(): void {
    const keys = this.#ticketKeys.present;
    this.#plane?.setTicketKeys(keys);
    this.#pool?.setTicketKeys(keys);
    this.#ticketTimer ??= setInterval(() => {
      if (this.#ticketKeys.rotate()) this.#giveTicketKeys();
    }, TICKET_LOOK_MS).unref();
  }

  /** What deals with certificates is loaded only by configurations that have some, or that ask for metrics of them. */
  async #withOrdered(configuration: Configuration, files: ConfigurationFiles): Promise<ConfigurationFiles> {
    if (!this.#listens || (this.#certificates === undefined && !concernsCertificates(configuration))) return files;
    this.#certificates ??= await this.#createCertificates();
    return { ...files, texts: { ...files.texts, ...(await this.#certificates.provide(configuration)) } };
  }

  async #readNamedFiles(configuration: Configuration): Promise<NamedFilesReading> {
    if (listNamedFiles(configuration).length === 0) return { files: noFiles };
    const { NamedFileReader } = await import('./read-named-files.ts');
    this.#fileReader ??= new NamedFileReader(this.#options);
    return this.#fileReader.read(configuration, this.#options.clock.wallMs());
  }

  async #createCertificates(): Promise<CertificateService> {
    const { CertificateService } = await import('./certificate-service.ts');
    const { clock, logger } = this.#options;
    return new CertificateService({
      clock,
      logger,
      onChallenges: (challenges) => {
        this.#plane?.setChallenges(challenges);
        this.#pool?.setChallenges(challenges);
      },
      onCertificates: () => void this.#inOrder(() => this.#applyCertificates()),
    });
  }

  async #deliver(configuration: Configuration, supplies: ConfigurationSupplies): Promise<readonly ListeningAt[]> {
    const version = ++this.#version;
    const wanted = this.#countThreads(configuration);
    if (this.#version > 1 && (wanted === 0) !== (this.#pool === undefined))
      this.#options.logger.log('warn', 'a change of `threads` from or to 0 takes effect at the next start', { threads: wanted });
    // In slices: where there are no data threads, this one serves.
    const encoded = await runInSlices(encodeConfiguration(withoutControlSecrets(configuration)), this.#options.clock);
    if (this.#plane !== undefined)
      return this.#plane.commit(await this.#plane.prepare(encoded, supplies, { listens: this.#listens }));
    return this.#pool!.apply(
      { version, configuration: encoded, ...supplies },
      { count: Math.max(1, wanted), deadlineMs: configuration.shutdown.deadline },
    );
  }

  /** Every listener's address is free or ours already; ports that were left open are chosen, the same for all threads. */
  async #settleAddresses({ listeners }: Configuration): Promise<Map<string, SettledAddress>> {
    const settled = new Map<string, SettledAddress>();
    const ours = [...this.#settled.values()];
    for (const [name, { address: written }] of Object.entries(listeners)) {
      const before = this.#settled.get(name);
      if (before !== undefined && formatAddress(before.written) === formatAddress(written)) settled.set(name, before);
      // On a port of our own we listen beside ourselves until the listener before it is closed.
      else if (ours.some((other) => isSamePort(other.settled, written))) settled.set(name, { written, settled: written });
      else settled.set(name, { written, settled: await this.#findAddress(name, written) });
    }
    return settled;
  }

  async #findAddress(name: string, written: SocketAddress): Promise<SocketAddress> {
    // One thread alone lets the system choose its port when it listens.
    if (this.#pool === undefined && 'port' in written && written.port === 0) return written;
    try {
      return await probeAddress(written);
    } catch (error) {
      throw new ListenFailure(name, written, error);
    }
  }

  /** Opens the admin side where its address is new. */
  async #openAdmin(configuration: Configuration): Promise<Admin | undefined> {
    const { admin } = configuration;
    if (admin === undefined) return undefined;
    const { address: written } = admin;
    if (this.#admin !== undefined && formatAddress(this.#admin.written) === formatAddress(written)) return undefined;
    const { AdminServer } = await import('#admin/admin-server.ts');
    const server: AdminServer = new AdminServer({
      reasonNotReady: () => this.#notReady,
      metricsText: () => this.#certificates?.metricsText ?? '',
      // It answers before its configuration is the present one, and even then only to those who may.
      access: () => ({
        address: written,
        token: (this.#admin?.server === server ? this.#configuration : configuration)?.admin?.token,
      }),
      loadServices: () => this.#createAdministration(),
      onFault: (error) => this.#options.logger.log('error', 'admin request failed', { error }),
    });
    try {
      return { server, written, bound: await server.start(await probeAddress(written)) };
    } catch (error) {
      throw new ListenFailure('admin', written, error);
    }
  }

  async #createAdministration(): Promise<ServiceAdministration> {
    const { EndpointAdministration } = await import('./endpoint-administration.ts');
    const { clock, logger } = this.#options;
    return new EndpointAdministration({
      clock,
      logger,
      board: this.#board,
      registry: this.#endpoints,
      takesBytes: (service) => this.#configuration !== undefined && takesBytes(this.#configuration, service),
      onList: (service, list) => this.#giveEndpoints(service, list),
    });
  }

  async #swapAdmin({ admin }: Configuration, opened: Admin | undefined): Promise<void> {
    if (opened === undefined && admin !== undefined) return;
    const before = this.#admin;
    this.#admin = opened;
    await before?.server.stop();
  }
}

function toRefusal(findings: readonly Finding[], loaded: LoadedConfiguration | undefined): Refusal {
  if (loaded !== undefined) return { issues: sortIssues(findings.map((finding) => loaded.toIssue(finding))), reasons: [] };
  return { issues: [], reasons: findings.map(({ path, message }) => `${formatPath(path)}: ${message}`) };
}

function withAddresses(configuration: Configuration, settled: ReadonlyMap<string, SettledAddress>): Configuration {
  const listeners = Object.entries(configuration.listeners).map(([name, listener]) => {
    const address = settled.get(name)?.settled;
    return [name, address === undefined ? listener : { ...listener, address }] as const;
  });
  return { ...configuration, listeners: Object.fromEntries(listeners) };
}

function concernsCertificates({ acme, admin, listeners, services }: Configuration): boolean {
  if (acme !== undefined || admin !== undefined) return true;
  return [...Object.values(listeners), ...Object.values(services)].some(({ tls }) => tls !== undefined);
}

/** Where one thread alone let the system choose, the port is known once it listens. */
function withBoundPorts(
  settled: ReadonlyMap<string, SettledAddress>,
  listening: readonly ListeningAt[],
): Map<string, SettledAddress> {
  const bound = new Map(listening.map(({ name, address }) => [name, address]));
  return new Map([...settled].map(([name, { written }]) => [name, { written, settled: bound.get(name) ?? written }]));
}

function isSameListening(one: ListeningAt, other: ListeningAt): boolean {
  return one.name === other.name && one.scheme === other.scheme && formatAddress(one.address) === formatAddress(other.address);
}
