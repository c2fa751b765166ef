/** What one thread does with traffic: listens, keeps the present snapshot, starts exchanges, drains. Runs in a worker or in the control thread. */

import { CallCounts } from '#aggregate/call-counts.ts';
import type { AnswerPurge } from '#base/answer-store.ts';
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import { createIdSource } from '#base/ids.ts';
import { Keeper } from '#base/keeper.ts';
import type { KeyValueStore } from '#base/key-value-store.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import { runInSlices } from '#base/slices.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { Mirrors } from '#forward/mirrors.ts';
import { TcpConnection, type TcpMeans } from '#forward/tcp-connection.ts';
import type { ClientConnection } from '#http/client-connection.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { HttpDate } from '#http/http-date.ts';
import { Http1ClientConnection } from '#http/http1-client-connection.ts';
import { Http2ClientConnection } from '#http/http2-client-connection.ts';
import { type InjectedAnswer, type InjectedRequest, type InjectionTarget, inject } from '#http/inject.ts';
import type { CredentialNames } from '#http/secret-names.ts';
import type { ConnectionOwner, ServerServices } from '#http/server-settings.ts';
import { TurnEnd } from '#http/turn-end.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { callHttp } from '#net/http-call.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { runPlan } from '#pipeline/run.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList, EndpointLists } from '#services/endpoint-list.ts';
import { decodeConfiguration } from '#snapshot/arrived-configuration.ts';
import { compileSnapshot, type SnapshotMeans } from '#snapshot/compile.ts';
import type { EncodedConfiguration } from '#snapshot/encoded-configuration.ts';
import { loadLibraries } from '#snapshot/policy-needs.ts';
import type { Snapshot } from '#snapshot/snapshot.ts';
import type { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { AcmeAnswers } from './acme-answers.ts';
import { toCallKey } from './aggregate-side.ts';
import type { CacheCounts } from './cache-counts.ts';
import { loadFunctions } from './compose-functions.ts';
import { ConnectionMeter } from './connection-meter.ts';
import { Counting, type CountingMemory, type PreparedCounting, toCountingServices } from './counting.ts';
import { ListenerSet, type ListenerUse, type ListeningAt, type PreparedListeners } from './listener-set.ts';
import type { LoadShedding } from './load-shedding.ts';
import type { ConfigurationFiles } from './named-files.ts';
import { Observing } from './observing.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { OverloadWatch } from './overload-watch.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import type { Rehearsal } from './rehearsal.ts';
import { toResolverOptions } from './resolver-options.ts';
import { ThreadGauges } from './thread-gauges.ts';
import type { TicketKeyring } from './ticket-keys.ts';

export interface DataPlaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
  readonly refusals: RefusalCounts;
  readonly cacheCounts: CacheCounts;
  /** What this thread counts in. */
  readonly meter: ThreadMeter;
  /** By which the threads that count together know it. */
  readonly threadNumber: number;
  /** Listens with `SO_REUSEPORT`: other threads do so on the same ports. */
  readonly sharesPorts: boolean;
  /** A Unix socket has one owner; the other threads leave it alone. */
  readonly opensUnixSockets: boolean;
  /** The store that all threads of the process keep things in. */
  readonly openMemoryStore: () => Promise<KeyValueStore>;
  /** Tells the control thread what was observed. */
  readonly tell: (observed: Observed, handedOver?: readonly ArrayBuffer[]) => void;
  /** Nothing outside is asked. */
  readonly rehearsal?: Rehearsal | undefined;
}

/** A configuration that could be the present one at once. */
export interface PreparedConfiguration {
  readonly snapshot: Snapshot;
  readonly resolver: NameResolver;
  readonly resolverDefinition: string;
  readonly listeners: PreparedListeners | undefined;
  readonly endpoints: EndpointLists;
  readonly counting: PreparedCounting;
  /** What logs name the configuration by. */
  readonly hash: string;
  readonly credentialNames: CredentialNames;
}

/** What a configuration names, besides itself. */
export interface ConfigurationSupplies extends CountingMemory {
  readonly files: ConfigurationFiles;
  readonly endpoints: EndpointLists;
  /** Whose values are not shown to anybody. */
  readonly credentialNames: CredentialNames;
}

export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #wheel: TimerWheel;
  readonly #buffers = new ReadBuffers();
  readonly #frames = new FrameMemory();
  readonly #turnEnd = new TurnEnd();
  readonly #date: HttpDate;
  readonly #nextRequestId = createIdSource();
  readonly #random = createChanceSource();
  readonly #keeper = new Keeper();
  readonly #mirrors: Mirrors;
  /** For exchanges that begin without a connection. */
  readonly #target: InjectionTarget = {
    onExchange: (exchange) => this.#onExchange(exchange),
    onRefusedRequest: rescue,
    onExchangeFinished: (exchange) => this.finishExchange(exchange),
  };
  readonly #listeners: ListenerSet;
  readonly #overload: OverloadWatch;
  readonly #observing: Observing;
  readonly #connections: ConnectionMeter;
  readonly #gauges: ThreadGauges;
  /** Listeners that accept no more and still have connections. */
  readonly #closing = new Set<ListenerUse>();
  #resolver: NameResolver | undefined;
  #resolverDefinition = '';
  #snapshot: Snapshot | undefined;
  readonly #counting: Counting;
  /** Lists that came since the present snapshot, by service: what is being prepared does not know them. */
  readonly #laterLists = new Map<string, EndpointList>();
  /** Only while names are being shown to an authority. */
  #acmeAnswers: AcmeAnswers | undefined;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#counting = new Counting(options);
    this.#wheel = new TimerWheel(options.clock);
    this.#wheel.start();
    this.#date = new HttpDate(options.clock);
    this.#overload = new OverloadWatch(options.clock, options.logger);
    this.#observing = new Observing(options);
    this.#connections = new ConnectionMeter(options.meter);
    this.#gauges = new ThreadGauges(options.meter, {
      countConnections: () => this.connectionCount,
      onLook: () => this.#lookAround(),
    });
    this.#mirrors = new Mirrors({
      clock: options.clock,
      wheel: this.#wheel,
      logger: options.logger,
      onCompared: (outcome) => options.tell({ kind: 'compared', ...outcome }),
    });
    const onConnection = (use: ListenerUse, accepted: AcceptedConnection) => this.#startConnection(use, accepted);
    this.#listeners = new ListenerSet({
      ...options,
      wheel: this.#wheel,
      buffers: this.#buffers,
      connections: this.#connections,
      onConnection,
      onHandshakeFailed: () => this.#checkEmpty(),
    });
  }

  get connectionCount(): number {
    let count = 0;
    for (const use of [...this.#listeners.present, ...this.#closing]) count += use.connections.size + use.listener.handshakeCount;
    return count;
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#counting.allowanceMemory;
  }

  /** What answers are kept in; `undefined` where none are. */
  get answers(): SharedAnswers | undefined {
    return this.#counting.answers;
  }

  /** Copies of requests that are under way to mirrors. */
  get mirroredCount(): number {
    return this.#mirrors.runningCount;
  }

  /**
   * Makes a configuration ready to be the present one: makes services in slices and opens what is new. Rejects when a new
   * listener cannot listen. Nothing has changed until `commit`. `listens` is false where requests are only injected.
   */
  async prepare(
    encoded: EncodedConfiguration,
    supplies: ConfigurationSupplies,
    { listens = true }: { readonly listens?: boolean } = {},
  ): Promise<PreparedConfiguration> {
    const { clock } = this.#options;
    await loadLibraries(encoded.libraries, this.#options.rehearsal?.policies ?? policyDefinitions);
    const arrived = await runInSlices(decodeConfiguration(encoded), clock);
    const { settings } = arrived;
    const resolverOptions = toResolverOptions(settings);
    const resolverDefinition = JSON.stringify(resolverOptions);
    const isSameResolver = resolverDefinition === this.#resolverDefinition;
    const resolver = isSameResolver ? this.#resolver! : new NameResolver(resolverOptions, clock);
    // Services keep the resolver that they were made with: where that changes, they are made anew.
    const previous = isSameResolver ? this.#snapshot : undefined;
    const { files, endpoints, credentialNames } = supplies;
    const storeMeans = { ...this.#options, resolver, resolverDefinition, texts: files.texts };
    const counting = await this.#counting.prepare(encoded, settings, { memory: supplies, storeMeans });
    try {
      const findFunction = await loadFunctions(encoded.functions, files.texts);
      const means = {
        ...this.#toMeans(supplies, resolver),
        ...toCountingServices(counting),
        findFunction,
        findCounter: toCounters(supplies),
      };
      const snapshot = await runInSlices(compileSnapshot(arrived, previous, means), clock);
      const listeners = listens ? await this.#listeners.prepare(settings, files) : undefined;
      return { snapshot, resolver, resolverDefinition, listeners, endpoints, counting, hash: encoded.hash, credentialNames };
    } catch (error) {
      this.#counting.abandon(counting);
      throw error;
    }
  }

  /** Swaps to a prepared configuration, and closes what is gone. */
  commit(prepared: PreparedConfiguration): ListeningAt[] {
    const { snapshot, resolver, resolverDefinition, listeners, endpoints, counting, hash, credentialNames } = prepared;
    this.#counting.commit(counting);
    this.#resolver = resolver;
    this.#resolverDefinition = resolverDefinition;
    this.#observing.follow(snapshot.settings, hash, credentialNames);
    this.#overload.follow(snapshot.settings.overload);
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    for (const [name, list] of Object.entries(endpoints)) this.#setEndpoints(name, list);
    for (const [name, list] of this.#laterLists) this.#setEndpoints(name, list);
    this.#laterLists.clear();
    if (listeners !== undefined) for (const use of this.#listeners.swap(listeners)) this.#retire(use);
    for (const [name, service] of before?.services ?? []) {
      if (snapshot.services.get(name) !== service) service.close();
    }
    return this.#listeners.listening;
  }

  /** A service has other endpoints than before. */
  setEndpoints(service: string, list: EndpointList): void {
    this.#laterLists.set(service, list);
    this.#setEndpoints(service, list);
  }

  #setEndpoints(service: string, list: EndpointList): void {
    try {
      this.#snapshot?.services.get(service)?.setEndpoints(list);
    } catch (error) {
      this.#options.logger.log('error', 'endpoints cannot be used', { service, error });
    }
  }

  /** Gives a prepared configuration up. */
  abandon({ listeners, counting }: PreparedConfiguration): void {
    if (listeners !== undefined) this.#listeners.abandon(listeners);
    this.#counting.abandon(counting);
  }

  /** Counts and logs an exchange that is over. */
  finishExchange(exchange: Exchange): void {
    this.#observing.finish(exchange);
    this.#options.rehearsal?.finish?.(exchange);
    const { error } = exchange;
    if (error?.kind.side === 'gateway' && error !== this.#overload.refusal)
      this.#options.logger.log('error', 'exchange failed', {
        requestId: exchange.requestId,
        ...(exchange.trace?.isSampled === true && { traceId: exchange.trace.traceId }),
        error: error.cause ?? error,
      });
  }

  /** Sends a request through the present snapshot without a socket. */
  inject(request: InjectedRequest, defaultListener: string): Promise<InjectedAnswer> {
    const { rehearsal } = this.#options;
    // Where time is moved, deadlines count from where it is now.
    if (rehearsal !== undefined) this.#wheel.advance();
    return inject(request, {
      target: this.#target,
      nextRequestId: rehearsal?.nextRequestId?.bind(rehearsal) ?? this.#nextRequestId,
      nowMs: () => this.#options.clock.monotonicMs(),
      defaultListener,
      via: this.#snapshot?.settings.forwarding.via ?? '',
      refuse: (reason) => clientErrors.malformedRequest({ reason }, { publicDetail: reason }),
    });
  }

  /** Runs what is due by now, for a clock that does not move by itself. */
  advanceTimers(): void {
    this.#wheel.advance();
  }

  /** Stops accepting, finishes what runs, and closes what still runs at the deadline. Resolves when no connection is left. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    for (const use of this.#listeners.takeAll()) this.#retire(use);
    if (this.connectionCount > 0) {
      const isEmpty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
      const timer = setTimeout(() => this.#closeConnections(), deadlineMs);
      await isEmpty;
      clearTimeout(timer);
    }
    await this.close();
  }

  /** Ends everything at once. Resolves when the access log is written. */
  async close(): Promise<void> {
    for (const use of this.#listeners.present) use.listener.stop();
    this.#closeConnections();
    this.#mirrors.close();
    this.#overload.stop();
    this.#gauges.stop();
    for (const service of this.#snapshot?.services.values() ?? []) service.close();
    this.#counting.close();
    this.#wheel.stop();
    this.#resolver?.close();
    await this.#observing.close();
  }

  /** Session tickets are made with these keys from now on. */
  setTicketKeys(keys: TicketKeyring): void {
    this.#listeners.setTicketKeys(keys);
  }

  /** What an authority is shown from now on. */
  setChallenges(challenges: AcmeChallenges): void {
    const { http } = challenges;
    this.#acmeAnswers = Object.keys(http).length === 0 ? undefined : new AcmeAnswers(http);
    this.#listeners.setChallenges(challenges);
  }

  /** Throws answers out of the store that gateways share; whether it could. */
  async purgeStore(what: AnswerPurge): Promise<boolean> {
    return (await this.#counting.storeAnswers?.purgeStore(what)) ?? true;
  }

  /** What those who observe exchanges are to do from now on. */
  observe(order: ObservingOrder): void {
    this.#observing.obey(order);
  }

  /** Files of logs were moved away. */
  reopenLogs(): void {
    this.#observing.reopenLogs();
  }

  /** Notes what is there at the moment, for metrics. */
  #lookAround(): void {
    for (const service of this.#snapshot?.services.values() ?? []) service.lookAtLoad();
    this.#observing.look();
    this.#connections.look([...this.#listeners.present, ...this.#closing]);
  }

  #toMeans(
    { files, endpoints }: ConfigurationSupplies,
    resolver: NameResolver,
  ): Omit<SnapshotMeans, keyof ReturnType<typeof toCountingServices> | 'findFunction' | 'findCounter'> {
    const { clock, logger, board, meter, rehearsal } = this.#options;
    return {
      clock,
      logger,
      meter,
      random: this.#random,
      later: rehearsal?.later ?? startTimer,
      keeper: this.#keeper,
      gateway: this.#target,
      nextRequestId: this.#nextRequestId,
      callHttp: rehearsal?.callHttp ?? callHttp,
      wheel: this.#wheel,
      mirrors: this.#mirrors,
      buffers: this.#buffers,
      frames: this.#frames,
      turnEnd: this.#turnEnd,
      resolver,
      upstreamStub: rehearsal?.upstreams,
      policies: rehearsal?.policies ?? policyDefinitions,
      board,
      texts: files.texts,
      addressLists: files.addressLists,
      countries: files.countries,
      contracts: files.contracts,
      endpoints,
    };
  }

  #toServerServices(use: ListenerUse): ServerServices {
    const { clock, logger } = this.#options;
    const faults = new RefusalLog(logger, clock, 'HTTP/2 connection ended');
    const owner: ConnectionOwner = {
      onExchange: (exchange) => this.#onExchange(exchange),
      onRefusedRequest: rescue,
      onExchangeFinished: (exchange) => this.finishExchange(exchange),
      onHttp2: (connection, accepted) => {
        use.connections.delete(connection);
        this.#startConnection(use, accepted);
      },
      onConnectionClosed: (connection) => this.#endConnection(use, connection),
      onProtocolFault: ({ facts }, reason) =>
        faults.add({ listener: use.settings.listener, clientAddress: facts.address, reason }),
    };
    return {
      clock,
      wheel: this.#wheel,
      buffers: this.#buffers,
      frames: this.#frames,
      turnEnd: this.#turnEnd,
      date: this.#date,
      nextRequestId: this.#nextRequestId,
      owner,
    };
  }

  #startConnection(use: ListenerUse, accepted: AcceptedConnection): void {
    this.#connections.onAccepted(use.settings.listener, accepted);
    if (accepted.protocol === 'bytes') return this.#passOn(use, accepted);
    use.services ??= this.#toServerServices(use);
    const { services } = use;
    const { http2 } = use.settings;
    const connection =
      accepted.protocol === 'http2' && http2 !== undefined
        ? new Http2ClientConnection(accepted, use.settings, services, http2)
        : new Http1ClientConnection(accepted, use.settings, services);
    use.connections.add(connection);
    if (this.#isDraining || this.#closing.has(use)) connection.drain();
  }

  /** Nobody reads what this connection carries. */
  #passOn(use: ListenerUse, accepted: AcceptedConnection): void {
    const { clock } = this.#options;
    const { listener } = use.settings;
    const destination = this.#snapshot?.tcpDestinations.find(listener, accepted.passthrough?.pattern);
    if (destination === undefined || accepted.tls?.clientFault !== undefined) {
      // The configuration has changed since the connection was looked at, or since its handshake began.
      accepted.takeSocket().destroy();
      return this.#forget(use, accepted.countedAddress);
    }
    const means: TcpMeans = {
      clock,
      wheel: this.#wheel,
      buffers: this.#buffers,
      nextConnectionId: this.#nextRequestId,
      owner: {
        onTcpClosed: (closed) => {
          this.#observing.finishTcp(closed);
          use.connections.delete(closed);
          this.#forget(use, accepted.countedAddress);
        },
      },
    };
    use.connections.add(new TcpConnection(accepted, { listener, destination }, means));
  }

  #endConnection(use: ListenerUse, connection: ClientConnection): void {
    use.connections.delete(connection);
    this.#forget(use, connection.facts.countedAddress);
  }

  /** A connection that was counted is gone. */
  #forget(use: ListenerUse, countedAddress: string): void {
    use.listener.release(countedAddress);
    this.#checkEmpty();
  }

  /** Forgets listeners whose last connection has ended. Whoever drains waits for the last of all. */
  #checkEmpty(): void {
    for (const use of this.#closing) if (use.connections.size + use.listener.handshakeCount === 0) this.#closing.delete(use);
    if (this.#onEmpty !== undefined && this.connectionCount === 0) this.#onEmpty();
  }

  #onExchange(exchange: Exchange): void {
    this.#observing.begin(exchange);
    this.#options.rehearsal?.begin?.(exchange);
    try {
      // RFC 9110 §9.3.7: `OPTIONS *` asks the server itself.
      if (exchange.request.path === '*')
        return exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined });
      if (this.#acmeAnswers?.answer(exchange) === true) return;
      const plan = this.#snapshot?.findPlan(exchange);
      this.#observing.route(exchange, plan);
      if (plan === undefined) return rescue(exchange, gatewayErrors.noRoute());
      if (this.#overload.shedding !== undefined && this.#sheds(plan, this.#overload.shedding)) this.#refuse(exchange, plan);
      else runPlan(exchange, plan);
    } catch (thrown) {
      rescueThrown(exchange, thrown);
    }
  }

  #sheds({ shedRank }: RoutePlan, shedding: LoadShedding): boolean {
    return shedding.threshold > 0 && shedding.refuses(shedRank);
  }

  /** Policies see the answer as they see other errors of the route. */
  #refuse(exchange: Exchange, plan: RoutePlan): void {
    exchange.plan = plan;
    rescue(exchange, this.#overload.refusal);
  }

  #retire(use: ListenerUse): void {
    use.listener.stop();
    if (use.connections.size + use.listener.handshakeCount > 0) this.#closing.add(use);
    for (const connection of [...use.connections]) connection.drain();
  }

  #closeConnections(): void {
    for (const use of [...this.#listeners.present, ...this.#closing]) {
      use.listener.closeHandshakes();
      for (const connection of [...use.connections]) connection.close();
    }
  }
}

function toCounters({ callCounts }: ConfigurationSupplies): SnapshotMeans['findCounter'] {
  if (callCounts === undefined) return () => undefined;
  const counts = new CallCounts(callCounts.memory);
  return (route, call) => {
    const slot = callCounts.slots[toCallKey(route, call)];
    return slot === undefined ? undefined : counts.counterAt(slot);
  };
}

/** For policies that delay on purpose: finer than the wheel, whose ticks are too far apart for delays that somebody measures. */
function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
