/** The control thread: loads and watches the configuration, tells the data threads, answers health checks, shuts down. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { HealthServer } from '#admin/health-server.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Issue } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { decodeConfiguration, encodeConfiguration } from '#snapshot/encoding.ts';
import { FileWatcher } from '#sources/file/file-watcher.ts';
import { type ConfigurationFiles, DataPlane, type ListeningAt } from './data-plane.ts';
import { probeAddress } from './port-probe.ts';
import { ThreadPool } from './thread-pool.ts';

export interface ControlOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Loads the configuration from wherever it comes. Called at the start and for each reload. */
  load(): Promise<LoadedConfiguration>;
  /** Overrides `threads` of the configuration. */
  readonly threads?: number | undefined;
  /** Loads again when a file of the configuration changes. */
  readonly watches: boolean;
}

/** Why a configuration was not taken. Nothing was changed. */
export interface Refusal {
  readonly issues: readonly Issue[];
  /** What went wrong beyond the document: a port in use, a certificate that cannot be read. */
  readonly reasons: readonly string[];
}

export interface Started {
  readonly listening: readonly ListeningAt[];
  readonly admin: SocketAddress | undefined;
}

export class Control {
  readonly #options: ControlOptions;
  readonly #watcher: FileWatcher;
  #pool: ThreadPool | undefined;
  #plane: DataPlane | undefined;
  #health: HealthServer | undefined;
  #configuration: Configuration | undefined;
  #version = 0;
  #notReady: string | undefined = 'starting';
  #reloading: Promise<unknown> = Promise.resolve();
  #listening: readonly ListeningAt[] = [];

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#watcher = new FileWatcher(() => void this.reload());
  }

  /** The data plane of this thread, where there are no others. */
  get plane(): DataPlane | undefined {
    return this.#plane;
  }

  get pool(): ThreadPool | undefined {
    return this.#pool;
  }

  async start(): Promise<Started | Refusal> {
    const loaded = await this.#options.load();
    if (loaded.configuration === undefined) return { issues: loaded.issues, reasons: [] };
    const { clock, logger } = this.#options;
    const threads = this.#countThreads(loaded.configuration);
    if (threads === 0) this.#plane ??= new DataPlane({ clock, logger, sharesPorts: false });
    else this.#pool = new ThreadPool(clock, logger);
    const reason = (await this.#apply(loaded.configuration)) ?? (await this.#startAdmin(loaded.configuration));
    if (reason !== undefined) {
      await this.stop();
      return { issues: [], reasons: [reason] };
    }
    this.#notReady = undefined;
    if (this.#options.watches) await this.#watcher.watch(loaded.files);
    return { listening: this.#listening, admin: this.#adminAddress };
  }

  /** Makes the data plane of this thread ready for requests without sockets, whether listeners are open or not. */
  async prepareInjection(): Promise<{ inject(request: InjectedRequest): Promise<InjectedAnswer> } | Refusal> {
    if (this.#pool !== undefined) return { issues: [], reasons: ['requests can be injected only with `threads: 0`'] };
    if (this.#plane === undefined) {
      const loaded = await this.#options.load();
      if (loaded.configuration === undefined) return { issues: loaded.issues, reasons: [] };
      const { clock, logger } = this.#options;
      const plane = new DataPlane({ clock, logger, sharesPorts: false });
      const files = await readNamedFiles(loaded.configuration);
      await plane.apply(decodeConfiguration(encodeConfiguration({ ...loaded.configuration, listeners: {} })), files);
      this.#configuration = loaded.configuration;
      this.#plane = plane;
    }
    const plane = this.#plane;
    const listener = Object.keys(this.#configuration?.listeners ?? {})[0] ?? '';
    return { inject: (request) => plane.inject(request, listener) };
  }

  /** Loads the configuration again. One that is refused changes nothing and is reported. */
  reload(): Promise<Refusal | undefined> {
    const reloaded = this.#reloading.then(() => this.#reloadNow());
    this.#reloading = reloaded;
    return reloaded;
  }

  /** Not ready at once; then no new connections, running exchanges to their end or the deadline. */
  async drain(): Promise<void> {
    const { delay, deadline } = this.#configuration?.shutdown ?? { delay: 0, deadline: 0 };
    this.#notReady = 'shutting down';
    this.#watcher.stop();
    if (delay > 0) await new Promise<void>((resolve) => setTimeout(resolve, delay));
    await this.#plane?.drain(deadline);
    await this.#pool?.drain(deadline);
    await this.#health?.stop();
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.#watcher.stop();
    this.#plane?.close();
    await this.#pool?.stop();
    await this.#health?.stop();
  }

  reopenLogs(): void {
    this.#plane?.reopenLogs();
    this.#pool?.reopenLogs();
  }

  #adminAddress: SocketAddress | undefined;

  #countThreads(configuration: Configuration): number {
    const wanted = this.#options.threads ?? configuration.threads ?? availableParallelism();
    // Without SO_REUSEPORT only one thread can listen on a port.
    const sharesPorts = process.platform === 'linux' || process.platform === 'freebsd';
    return sharesPorts ? wanted : Math.min(wanted, 1);
  }

  async #reloadNow(): Promise<Refusal | undefined> {
    const { logger } = this.#options;
    const loaded = await this.#options.load();
    if (this.#options.watches) await this.#watcher.watch(loaded.files);
    if (loaded.configuration === undefined) {
      for (const { file, line, column, message } of loaded.issues)
        logger.log('error', 'configuration refused', { file, line, column, issue: message });
      return { issues: loaded.issues, reasons: [] };
    }
    const reason = await this.#apply(loaded.configuration);
    if (reason === undefined) {
      logger.log('info', 'configuration applied', {
        version: this.#version,
        routes: Object.keys(loaded.configuration.routes).length,
      });
      return undefined;
    }
    logger.log('error', 'configuration refused', { reason });
    return { issues: [], reasons: [reason] };
  }

  /** Returns why the configuration could not be applied. */
  async #apply(configuration: Configuration): Promise<string | undefined> {
    try {
      const files = await readNamedFiles(configuration);
      const settled = await this.#settleAddresses(configuration);
      const delivery = { version: ++this.#version, configuration: encodeConfiguration(settled), files };
      if (this.#plane !== undefined)
        this.#listening = await this.#plane.apply(decodeConfiguration(delivery.configuration), files);
      else this.#listening = await this.#pool!.apply(delivery, this.#countThreads(configuration));
      this.#configuration = settled;
      return undefined;
    } catch (error) {
      return explainFailure(error);
    }
  }

  /** Every listener's address is free or ours already; ports that were left open are chosen, the same for all threads. */
  async #settleAddresses(configuration: Configuration): Promise<Configuration> {
    if (this.#pool === undefined) return configuration;
    const listeners = { ...configuration.listeners };
    for (const [name, listener] of Object.entries(listeners)) {
      const present = this.#listening.find((other) => other.name === name)?.address;
      const { address } = listener;
      const isOpenPort = 'port' in address && address.port === 0;
      const isOurs = present !== undefined && (isOpenPort || formatAddress(present) === formatAddress(address));
      try {
        listeners[name] = { ...listener, address: isOurs ? present : await probeAddress(address) };
      } catch (error) {
        throw new ListenFailure(name, address, error);
      }
    }
    return { ...configuration, listeners };
  }

  async #startAdmin({ admin }: Configuration): Promise<string | undefined> {
    if (admin === undefined) return undefined;
    this.#health = new HealthServer({ reasonNotReady: () => this.#notReady });
    try {
      this.#adminAddress = await this.#health.start(admin.address);
      return undefined;
    } catch (error) {
      return explainFailure(new ListenFailure('admin', admin.address, error));
    }
  }
}

class ListenFailure extends Error {
  override readonly name = 'ListenFailure';

  constructor(listener: string, address: SocketAddress, cause: unknown) {
    const { code } = cause as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: 'another process listens there already; end it or choose another port',
      EACCES: 'this user may not listen there; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)',
      EADDRNOTAVAIL: 'the machine has no such address',
    };
    const why = reasons[code ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
    super(`listener \`${listener}\` cannot listen on ${formatAddress(address)}: ${why}`, { cause });
  }
}

function explainFailure(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readNamedFiles({ listeners, services }: Configuration): Promise<ConfigurationFiles> {
  const paths = [
    ...Object.values(listeners).flatMap(({ tls }) => tls?.certificates.flatMap(({ cert, key }) => [cert, key]) ?? []),
    ...Object.values(services).flatMap(({ tls }) => (tls?.ca === undefined ? [] : [tls.ca])),
  ];
  const texts = await Promise.all(paths.map(async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')]));
  return { texts: Object.fromEntries(texts) };
}
