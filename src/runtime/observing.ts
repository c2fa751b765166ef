/** Who observes the exchanges of one thread: the access log, what is counted, and whoever watches. The only place that knows them all. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import { AccessLogging } from './access-logging.ts';
import type { CacheCounts } from './cache-counts.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import { RequestMeter } from './request-meter.ts';

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
  readonly #requests: RequestMeter;

  constructor(options: ObservingOptions) {
    this.#options = options;
    this.#accessLogging = new AccessLogging(options);
    this.#requests = new RequestMeter(options.meter);
  }

  /** A configuration is the present one. */
  follow(settings: SettingsOfConfiguration): void {
    this.#accessLogging.follow(settings);
  }

  /** The control thread wants something observed, or no longer. */
  obey(_order: ObservingOrder): void {}

  /** No route has been looked for yet. What cannot be read as a request is refused, and finished, without a beginning. */
  begin(exchange: Exchange): void {
    if (this.#accessLogging.readsAnswers) exchange.keepsSentFields = true;
  }

  /** Its plan is known, and it runs by it from now on. */
  beginPlan(exchange: Exchange, plan: RoutePlan): void {
    this.#requests.begin(exchange, plan);
  }

  finish(exchange: Exchange): void {
    this.#requests.finish(exchange);
    this.#accessLogging.add(exchange);
    const { error, reported } = exchange;
    if (error !== undefined || reported !== undefined) this.#options.refusals.count(exchange);
    if (exchange.cacheResult !== undefined) this.#options.cacheCounts.count(exchange);
  }

  /** A connection whose bytes were passed on is over. */
  finishTcp(connection: TcpConnection): void {
    this.#accessLogging.addTcp(connection);
  }

  /** Files of logs were moved away. */
  reopenLogs(): void {
    this.#accessLogging.reopen();
  }

  /** Resolves when all that was observed is written. */
  async close(): Promise<void> {
    await this.#accessLogging.close();
  }
}
