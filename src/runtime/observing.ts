/** Who observes the exchanges of one thread: the access log, what is counted, and whoever watches. The only place that knows them all. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import { AccessLogging } from './access-logging.ts';
import type { CacheCounts } from './cache-counts.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import type { RefusalCounts } from './refusal-counts.ts';

export interface ObservingOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusals: RefusalCounts;
  readonly cacheCounts: CacheCounts;
  /** Tells the control thread. */
  tell(observed: Observed): void;
}

export class Observing {
  readonly #options: ObservingOptions;
  readonly #accessLogging: AccessLogging;

  constructor(options: ObservingOptions) {
    this.#options = options;
    this.#accessLogging = new AccessLogging(options);
  }

  /** A configuration is the present one; `_hash` is what logs name it by. */
  follow(settings: SettingsOfConfiguration, _hash: string): void {
    this.#accessLogging.follow(settings);
  }

  /** The control thread wants something observed, or no longer. */
  obey(_order: ObservingOrder): void {}

  /** No route has been looked for yet. What cannot be read as a request is refused, and finished, without a beginning. */
  begin(_exchange: Exchange): void {}

  finish(exchange: Exchange): void {
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
