/** Who observes the exchanges of one thread: the access log, what is counted, and whoever watches. The only place that knows them all. */
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange, ExchangePlan } from '#http/exchange.ts';
import { type CredentialNames, SecretNames } from '#http/secret-names.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import { AccessLogging } from './access-logging.ts';
import type { CacheCounts } from './cache-counts.ts';
import { toLoggerSettings } from './logger-settings.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import type { RecordingsOrder } from './recording-messages.ts';
import type { Recordings } from './recordings.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import { RequestMeter } from './request-meter.ts';
import { Tracing } from './tracing.ts';
import { isFailure, Watching } from './watching.ts';

export interface ObservingOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusals: RefusalCounts;
  readonly cacheCounts: CacheCounts;
  readonly meter: ThreadMeter;
  /** Tells the control thread. */
  tell(observed: Observed, handedOver?: readonly ArrayBuffer[]): void;
}

export class Observing {
  readonly #options: ObservingOptions;
  readonly #accessLogging: AccessLogging;
  /** `undefined`: nothing is recorded. */
  #recordings: Recordings | undefined;
  #recordingsOrder: RecordingsOrder | undefined;
  readonly #requests: RequestMeter;
  readonly #chance = createChanceSource();
  #tracing: Tracing | undefined;
  #tracingDefinition: string | undefined;
  #logDefinition: string | undefined;
  readonly #watching: Watching;

  constructor(options: ObservingOptions) {
    this.#options = options;
    this.#accessLogging = new AccessLogging(options);
    this.#requests = new RequestMeter(options.meter);
    this.#watching = new Watching(options);
  }

  /** A configuration is the present one; `hash` is what logs name it by. `credentialNames`: whose values nobody is told. */
  follow(settings: SettingsOfConfiguration, hash: string, credentialNames: CredentialNames): void {
    this.#followLog(settings);
    this.#accessLogging.follow(settings, hash, credentialNames);
    this.#followTracing(settings.tracing, credentialNames);
    this.#watching.follow(settings, new SecretNames(credentialNames));
  }

  /** The control thread wants something observed, or no longer. */
  obey(order: ObservingOrder): void {
    if (order.kind === 'recordings') void this.#record(order);
    else if (order.kind === 'removed-names') this.#requests.forget(order);
    else this.#watching.obey(order);
  }

  /** No route has been looked for yet. What cannot be read as a request is refused, and finished, without a beginning. */
  begin(exchange: Exchange): void {
    this.#recordings?.begin(exchange);
    if (this.#accessLogging.readsAnswers) exchange.keepsSentFields = true;
    if (this.#watching.isArmed) this.#watching.begin(exchange);
  }

  /** Its route is known, or that it has none; nothing has been done for it yet. */
  route(exchange: Exchange, plan: ExchangePlan | undefined): void {
    if (plan !== undefined) this.#requests.begin(exchange, plan);
    this.#tracing?.begin(exchange, plan);
  }

  finish(exchange: Exchange): void {
    this.#requests.finish(exchange);
    exchange.journal?.end(exchange.finishedMs);
    this.#accessLogging.add(exchange);
    this.#tracing?.finish(exchange);
    if (exchange.tap !== undefined) this.#recordings?.finish(exchange);
    const { error, reported } = exchange;
    if (error !== undefined || reported !== undefined) this.#options.refusals.count(exchange);
    if (exchange.cacheResult !== undefined) this.#options.cacheCounts.count(exchange);
    if (exchange.journal !== undefined || (this.#watching.keepsFailures && isFailure(exchange))) this.#watching.finish(exchange);
    if (exchange.journal === undefined && this.#watching.isArmed) this.#watching.passOver(exchange);
  }

  /** Called from time to time. */
  look(): void {
    this.#requests.look();
  }

  /** A connection whose bytes were passed on is over. */
  finishTcp(connection: TcpConnection): void {
    this.#accessLogging.addTcp(connection);
  }

  /** Files of logs were moved away. */
  reopenLogs(): void {
    this.#options.logger.reopen?.();
    this.#accessLogging.reopen();
  }

  /** Resolves when all that was observed is written. */
  async close(): Promise<void> {
    this.#tracing?.close();
    this.#tracing = undefined;
    this.#watching.close();
    this.#recordings?.flush();
    await this.#accessLogging.close();
  }

  /** What waits to be sent is counted by whoever hands it over: while nothing is different, that stays the same. */
  #followLog(settings: Pick<SettingsOfConfiguration, 'log'>): void {
    const definition = JSON.stringify(settings.log);
    if (definition === this.#logDefinition) return;
    this.#logDefinition = definition;
    this.#options.logger.follow?.(toLoggerSettings(settings, this.#options.tell));
  }

  #followTracing(tracing: TracingSettings | undefined, credentialNames: CredentialNames): void {
    const definition = tracing && JSON.stringify([tracing, credentialNames]);
    if (definition === this.#tracingDefinition) return;
    this.#tracingDefinition = definition;
    this.#tracing?.close();
    const { clock, tell } = this.#options;
    this.#tracing =
      tracing && new Tracing(tracing, { clock, chance: this.#chance, names: new SecretNames(credentialNames), tell });
  }

  /** What records is loaded when something is to be recorded. */
  async #record(order: RecordingsOrder): Promise<void> {
    this.#recordingsOrder = order;
    if (order.recordings.length === 0) {
      this.#recordings?.flush();
      this.#recordings = undefined;
      return;
    }
    const { Recordings } = await import('./recordings.ts');
    // It may have been told of something else meanwhile.
    if (this.#recordingsOrder !== order) return;
    this.#recordings ??= new Recordings(this.#options);
    this.#recordings.follow(order);
  }
}
