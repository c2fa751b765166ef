/** What one thread does with traffic: listens, keeps the present snapshot, starts exchanges, drains. Runs in a worker or in the control thread. */

import type { AnswerPurge } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { createIdSource } from '#base/ids.ts';
import type { KeyValueStore } from '#base/key-value-store.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { Mirrors } from '#forward/mirrors.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { type InjectedAnswer, type InjectedRequest, type InjectionTarget, inject } from '#http/inject.ts';
import type { CredentialNames } from '#http/secret-names.ts';
import { TurnEnd } from '#http/turn-end.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { runPlan } from '#pipeline/run.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import type { EncodedConfiguration } from '#snapshot/encoded-configuration.ts';
import type { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { AcmeAnswers } from './acme-answers.ts';
import type { CacheCounts } from './cache-counts.ts';
import { ClientConnections } from './client-connections.ts';
import type { ListeningAt, PreparedListeners } from './listener-set.ts';
import type { LoadShedding } from './load-shedding.ts';
import { Observing } from './observing.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { OverloadWatch } from './overload-watch.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import type { Rehearsal } from './rehearsal.ts';
import { type ConfigurationSupplies, type PreparedSnapshot, ServedSnapshot } from './served-snapshot.ts';
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
  readonly prepared: PreparedSnapshot;
  readonly listeners: PreparedListeners | undefined;
  /** What logs name the configuration by. */
  readonly hash: string;
  readonly credentialNames: CredentialNames;
}

export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #wheel: TimerWheel;
  readonly #nextRequestId = createIdSource();
  readonly #mirrors: Mirrors;
  /** Takes exchanges, whether they come over a connection or not. */
  readonly #target: InjectionTarget = {
    onExchange: (exchange) => this.#onExchange(exchange),
    onRefusedRequest: rescue,
    onExchangeFinished: (exchange) => this.finishExchange(exchange),
  };
  readonly #overload: OverloadWatch;
  readonly #observing: Observing;
  readonly #gauges: ThreadGauges;
  readonly #served: ServedSnapshot;
  readonly #connections: ClientConnections;
  /** Only while names are being shown to an authority. */
  #acmeAnswers: AcmeAnswers | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock);
    this.#wheel.start();
    this.#overload = new OverloadWatch(options.clock, options.logger);
    this.#observing = new Observing(options);
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
    const shared = {
      ...options,
      target: this.#target,
      wheel: this.#wheel,
      buffers: new ReadBuffers(),
      frames: new FrameMemory(),
      turnEnd: new TurnEnd(),
      nextRequestId: this.#nextRequestId,
    };
    this.#served = new ServedSnapshot({ ...shared, mirrors: this.#mirrors });
    this.#connections = new ClientConnections({
      ...shared,
      findTcpDestinations: () => this.#served.snapshot?.tcpDestinations,
      onTcpClosed: (connection) => this.#observing.finishTcp(connection),
    });
  }

  get connectionCount(): number {
    return this.#connections.count;
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#served.allowanceMemory;
  }

  /** What answers are kept in; `undefined` where none are. */
  get answers(): SharedAnswers | undefined {
    return this.#served.answers;
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
    const { files, credentialNames } = supplies;
    const prepared = await this.#served.prepare(encoded, supplies);
    try {
      const listeners = listens ? await this.#connections.prepare(prepared.snapshot.settings, files) : undefined;
      return { prepared, listeners, hash: encoded.hash, credentialNames };
    } catch (error) {
      this.#served.abandon(prepared);
      throw error;
    }
  }

  /** Swaps to a prepared configuration, and closes what is gone. */
  commit({ prepared, listeners, hash, credentialNames }: PreparedConfiguration): ListeningAt[] {
    const { settings } = prepared.snapshot;
    this.#observing.follow(settings, hash, credentialNames);
    this.#overload.follow(settings.overload);
    const gone = this.#served.commit(prepared);
    if (listeners !== undefined) this.#connections.commit(listeners);
    for (const service of gone) service.close();
    return this.#connections.listening;
  }

  /** Gives a prepared configuration up. */
  abandon({ prepared, listeners }: PreparedConfiguration): void {
    if (listeners !== undefined) this.#connections.abandon(listeners);
    this.#served.abandon(prepared);
  }

  /** A service has other endpoints than before. */
  setEndpoints(service: string, list: EndpointList): void {
    this.#served.setEndpoints(service, list);
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
      via: this.#served.snapshot?.settings.forwarding.via ?? '',
      refuse: (reason) => clientErrors.malformedRequest({ reason }, { publicDetail: reason }),
    });
  }

  /** Runs what is due by now, for a clock that does not move by itself. */
  advanceTimers(): void {
    this.#wheel.advance();
  }

  /** Stops accepting, finishes what runs, and closes what still runs at the deadline. Resolves when no connection is left. */
  async drain(deadlineMs: number): Promise<void> {
    await this.#connections.drain(deadlineMs);
    await this.close();
  }

  /** Ends everything at once. Resolves when the access log is written. */
  async close(): Promise<void> {
    this.#connections.close();
    this.#mirrors.close();
    this.#overload.stop();
    this.#gauges.stop();
    this.#served.close();
    this.#wheel.stop();
    await this.#observing.close();
  }

  /** Session tickets are made with these keys from now on. */
  setTicketKeys(keys: TicketKeyring): void {
    this.#connections.setTicketKeys(keys);
  }

  /** What an authority is shown from now on. */
  setChallenges(challenges: AcmeChallenges): void {
    const { http } = challenges;
    this.#acmeAnswers = Object.keys(http).length === 0 ? undefined : new AcmeAnswers(http);
    this.#connections.setChallenges(challenges);
  }

  /** Throws answers out of the store that gateways share; whether it could. */
  purgeStore(what: AnswerPurge): Promise<boolean> {
    return this.#served.purgeStore(what);
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
    this.#served.lookAtLoad();
    this.#observing.look();
    this.#connections.look();
  }

  #onExchange(exchange: Exchange): void {
    this.#observing.begin(exchange);
    this.#options.rehearsal?.begin?.(exchange);
    try {
      // RFC 9110 §9.3.7: `OPTIONS *` asks the server itself.
      if (exchange.request.path === '*')
        return exchange.sendReply({ status: 204, fields: [], contentLengthBytes: 0, body: undefined });
      if (this.#acmeAnswers?.answer(exchange) === true) return;
      const plan = this.#served.snapshot?.findPlan(exchange);
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
}
