/** What one thread does with traffic: listens, keeps the present snapshot, starts exchanges, drains. Runs in a worker or in the control thread. */
import { createSecureContext } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { createIdSource } from '#base/ids.ts';
import { compileAddressSet } from '#base/ip.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import type { Configuration, ListenerConfiguration } from '#config/configuration.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { HttpDate } from '#http/http-date.ts';
import {
  type ConnectionOwner,
  Http1ClientConnection,
  type Http1ServerServices,
  type Http1ServerSettings,
} from '#http/http1-client-connection.ts';
import { type InjectedAnswer, type InjectedRequest, inject } from '#http/inject.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { type AcceptedConnection, Listener, type ListenerCaps, type ListenerOptions, type ListenerTls } from '#net/listener.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { runPlan } from '#pipeline/run.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { compileSnapshot, type SnapshotMeans } from '#snapshot/compile.ts';
import { runInSlices } from '#snapshot/slices.ts';
import type { Snapshot } from '#snapshot/snapshot.ts';
import { AccessLog } from '#telemetry/access-log.ts';
import { FileSink } from '#telemetry/file-sink.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts by path. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface DataPlaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Other threads listen on the same ports. */
  readonly sharesPorts: boolean;
}

/** A listener that accepts connections, and where. */
export interface ListeningAt {
  readonly name: string;
  readonly address: SocketAddress;
  readonly isSecure: boolean;
}

/** One listener with what its connections share. The socket stays while its address does; the settings may change under it. */
class ListenerUse {
  readonly listener: Listener;
  readonly connections = new Set<Http1ClientConnection>();
  settings: Http1ServerSettings;
  boundTo: SocketAddress | undefined = undefined;

  constructor(listener: Listener, settings: Http1ServerSettings) {
    this.listener = listener;
    this.settings = settings;
  }
}

export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #wheel: TimerWheel;
  readonly #buffers = new ReadBuffers();
  readonly #date: HttpDate;
  readonly #nextRequestId = createIdSource();
  readonly #listeners = new Map<string, ListenerUse>();
  /** Listeners that accept no more and still have connections. */
  readonly #closing = new Set<ListenerUse>();
  #resolver: NameResolver | undefined;
  #snapshot: Snapshot | undefined;
  #accessLog: AccessLog | undefined;
  #accessLogDefinition = '';
  #sink: FileSink | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock);
    this.#wheel.start();
    this.#date = new HttpDate(options.clock);
  }

  get connectionCount(): number {
    let count = 0;
    for (const use of [...this.#listeners.values(), ...this.#closing]) count += use.connections.size;
    return count;
  }

  /**
   * Makes a configuration the present one: compiles in slices, opens what is new, swaps, and closes what is gone. Rejects
   * without changing anything when a new listener cannot listen.
   */
  async apply(steps: Generator<undefined, Configuration, void>, files: ConfigurationFiles): Promise<ListeningAt[]> {
    const { clock } = this.#options;
    const configuration = await runInSlices(steps, clock);
    this.#resolver ??= new NameResolver(toResolverOptions(configuration), clock);
    const snapshot = await runInSlices(compileSnapshot(configuration, this.#snapshot, this.#toMeans(files)), clock);
    const opened = await this.#openListeners(configuration, files);
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    this.#setAccessLog(configuration);
    this.#swapListeners(configuration, files, opened);
    for (const [name, service] of before?.services ?? []) {
      if (snapshot.services.get(name) !== service) service.close();
    }
    return [...this.#listeners].map(([name, use]) => ({
      name,
      address: use.boundTo!,
      isSecure: use.listener.isSecure,
    }));
  }

  /** Counts and logs an exchange that is over. */
  finishExchange(exchange: Exchange): void {
    this.#accessLog?.add(exchange);
    const { error } = exchange;
    if (error?.kind.side === 'gateway')
      this.#options.logger.log('error', 'exchange failed', { requestId: exchange.requestId, error: error.cause ?? error });
  }

  /** Sends a request through the present snapshot without a socket. */
  inject(request: InjectedRequest, defaultListener: string): Promise<InjectedAnswer> {
    return inject(request, {
      target: {
        onExchange: (exchange) => this.#onExchange(exchange),
        onRefusedRequest: rescue,
        onExchangeFinished: (exchange) => this.finishExchange(exchange),
      },
      nextRequestId: this.#nextRequestId,
      nowMs: () => this.#options.clock.monotonicMs(),
      defaultListener,
      via: this.#snapshot?.configuration.forwarding.via ?? '',
      refuse: (reason) => clientErrors.malformedRequest({ reason }, { publicDetail: reason }),
    });
  }

  /** Stops accepting, finishes what runs, and closes what still runs at the deadline. Resolves when no connection is left. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    for (const use of this.#listeners.values()) this.#retire(use);
    this.#listeners.clear();
    if (this.connectionCount > 0) {
      const isEmpty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
      const timer = setTimeout(() => this.#closeConnections(), deadlineMs);
      await isEmpty;
      clearTimeout(timer);
    }
    this.close();
  }

  /** Ends everything at once. */
  close(): void {
    for (const use of this.#listeners.values()) use.listener.stop();
    this.#closeConnections();
    for (const service of this.#snapshot?.services.values() ?? []) service.close();
    this.#wheel.stop();
    this.#resolver?.close();
    clearInterval(this.#flushTimer);
    this.#accessLog?.flush();
    this.#sink?.close();
    this.#accessLog = undefined;
    this.#sink = undefined;
  }

  /** Opens the access log's file anew. */
  reopenLogs(): void {
    this.#sink?.reopen();
  }

  #toMeans(files: ConfigurationFiles): SnapshotMeans {
    const { clock, logger } = this.#options;
    return {
      clock,
      logger,
      wheel: this.#wheel,
      buffers: this.#buffers,
      resolver: this.#resolver!,
      policies: policyDefinitions,
      authorities: files.texts,
    };
  }

  /** Opens the listeners whose address is new; all of them or none. */
  async #openListeners(configuration: Configuration, files: ConfigurationFiles): Promise<Map<string, ListenerUse>> {
    const opened = new Map<string, ListenerUse>();
    try {
      for (const [name, definition] of Object.entries(configuration.listeners)) {
        const tls = toListenerTls(definition, files);
        checkTls(tls);
        const present = this.#listeners.get(name);
        if (present !== undefined && formatAddress(present.listener.options.address) === formatAddress(definition.address))
          continue;
        const use = this.#createListener(name, definition, { tls, via: configuration.forwarding.via });
        use.boundTo = await use.listener.start();
        opened.set(name, use);
      }
    } catch (error) {
      for (const use of opened.values()) use.listener.stop();
      throw error;
    }
    return opened;
  }

  /** Puts the opened listeners in their place, drains those that are gone, and gives the others their new settings. */
  #swapListeners(configuration: Configuration, files: ConfigurationFiles, opened: ReadonlyMap<string, ListenerUse>): void {
    for (const [name, use] of this.#listeners) {
      const definition = configuration.listeners[name];
      if (definition !== undefined && !opened.has(name)) {
        use.settings = toServerSettings(name, definition, configuration.forwarding.via);
        use.listener.caps = toCaps(definition);
        use.listener.setTls(toListenerTls(definition, files));
        continue;
      }
      this.#listeners.delete(name);
      this.#retire(use);
    }
    for (const [name, use] of opened) this.#listeners.set(name, use);
  }

  #createListener(
    name: string,
    definition: ListenerConfiguration,
    from: { tls: ListenerTls | undefined; via: string },
  ): ListenerUse {
    const options: ListenerOptions = {
      name,
      address: definition.address,
      caps: toCaps(definition),
      tls: from.tls,
      sharesPort: this.#options.sharesPorts,
    };
    const use: ListenerUse = new ListenerUse(
      new Listener(options, {
        onConnection: (accepted) => this.#startConnection(use, accepted, services),
        onRefused: (clientAddress, cap) =>
          this.#options.logger.log('warn', 'connection refused', { listener: name, clientAddress, cap }),
        onListenerError: (error) => this.#options.logger.log('error', 'listener failed', { listener: name, error }),
      }),
      toServerSettings(name, definition, from.via),
    );
    const services = this.#toServerServices(use);
    return use;
  }

  #toServerServices(use: ListenerUse): Http1ServerServices {
    const owner: ConnectionOwner = {
      onExchange: (exchange) => this.#onExchange(exchange),
      onRefusedRequest: rescue,
      onExchangeFinished: (exchange) => this.finishExchange(exchange),
      onConnectionClosed: (connection) => this.#endConnection(use, connection),
    };
    const { clock } = this.#options;
    return { clock, wheel: this.#wheel, buffers: this.#buffers, date: this.#date, nextRequestId: this.#nextRequestId, owner };
  }

  #startConnection(use: ListenerUse, accepted: AcceptedConnection, services: Http1ServerServices): void {
    const connection = new Http1ClientConnection(accepted, use.settings, services);
    use.connections.add(connection);
    if (this.#isDraining) connection.drain();
  }

  #endConnection(use: ListenerUse, connection: Http1ClientConnection): void {
    use.connections.delete(connection);
    use.listener.release(connection.facts.address);
    if (use.connections.size === 0) this.#closing.delete(use);
    if (this.#onEmpty !== undefined && this.connectionCount === 0) this.#onEmpty();
  }

  #onExchange(exchange: Exchange): void {
    try {
      // RFC 9110 §9.3.7: `OPTIONS *` asks the server itself.
      if (exchange.request.path === '*')
        return exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined });
      const plan = this.#snapshot?.findPlan(exchange);
      if (plan === undefined) rescue(exchange, gatewayErrors.noRoute());
      else runPlan(exchange, plan);
    } catch (thrown) {
      rescueThrown(exchange, thrown);
    }
  }

  #retire(use: ListenerUse): void {
    use.listener.stop();
    if (use.connections.size > 0) this.#closing.add(use);
    for (const connection of [...use.connections]) connection.drain();
  }

  #closeConnections(): void {
    for (const use of [...this.#listeners.values(), ...this.#closing]) {
      for (const connection of [...use.connections]) connection.close();
    }
  }

  #setAccessLog({ accessLog }: Configuration): void {
    const definition = JSON.stringify(accessLog);
    if (definition === this.#accessLogDefinition) return;
    this.#accessLogDefinition = definition;
    clearInterval(this.#flushTimer);
    this.#accessLog?.flush();
    this.#sink?.close();
    this.#accessLog = undefined;
    if (accessLog === false) return;
    const sink = new FileSink(accessLog.to, (error) =>
      this.#options.logger.log('error', 'access log cannot be written', { error }),
    );
    const log = new AccessLog(sink, this.#options.clock);
    this.#sink = sink;
    this.#accessLog = log;
    this.#flushTimer = setInterval(() => log.flush(), accessLog.flushEvery).unref();
  }
}

/** Throws where a certificate or key cannot be used, before anything is changed. */
function checkTls(tls: ListenerTls | undefined): void {
  for (const { cert, key } of tls?.certificates ?? []) createSecureContext({ cert, key });
}

function toCaps(definition: ListenerConfiguration): ListenerCaps {
  return {
    connectionsMax: definition.maxConnections,
    connectionsPerAddressMax: definition.maxConnectionsPerClient ?? Number.POSITIVE_INFINITY,
  };
}

function toListenerTls({ tls }: ListenerConfiguration, files: ConfigurationFiles): ListenerTls | undefined {
  if (tls === undefined) return undefined;
  return { certificates: tls.certificates.map(({ cert, key }) => ({ cert: files.texts[cert]!, key: files.texts[key]! })) };
}

function toResolverOptions({ dns }: Configuration): { servers: readonly string[]; ttlMinMs: number; ttlMaxMs: number } {
  return { servers: dns.servers ?? [], ttlMinMs: dns.ttlMin, ttlMaxMs: dns.ttlMax };
}

function toServerSettings(listener: string, definition: ListenerConfiguration, via: string): Http1ServerSettings {
  const { timeouts, trustedProxies } = definition;
  const trusted = compileAddressSet(trustedProxies);
  return {
    listener,
    decoderLimits: {
      headBytesMax: definition.limits.headBytes,
      fieldCountMax: definition.limits.fieldCount,
      targetBytesMax: limits.targetBytesMax,
      leadingEmptyLinesMax: limits.leadingEmptyLinesMax,
    },
    forwarding: { via, isTrusted: (address) => trusted.has(address) },
    headTimeoutMs: timeouts.head,
    bodyIdleTimeoutMs: timeouts.bodyIdle,
    keepAliveTimeoutMs: timeouts.keepAlive,
    tunnelIdleMs: timeouts.tunnelIdle,
    lingerMs: timeouts.linger,
  };
}
