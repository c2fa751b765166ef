/** The access log of one thread: opened, changed and closed as configurations say. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import { AccessLog } from '#telemetry/access-log.ts';
import { FileSink } from '#telemetry/file-sink.ts';

/** How soon a reader of the access log that was slow is given more. */
const LOG_READER_PAUSE_MS = 5;
const DROPPED_TOLD_EVERY_MS = 10_000;

export interface AccessLoggingOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AccessLogging {
  readonly #options: AccessLoggingOptions;
  #log: AccessLog | undefined;
  #definition = '';
  #sink: FileSink | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #droppedToldMs = Number.NEGATIVE_INFINITY;

  constructor(options: AccessLoggingOptions) {
    this.#options = options;
  }

  add(exchange: Exchange): void {
    this.#log?.add(exchange);
  }

  addTcp(connection: TcpConnection): void {
    this.#log?.addTcp(connection);
  }

  /** A configuration is the present one. */
  follow({ accessLog }: Pick<Configuration, 'accessLog'>): void {
    const definition = JSON.stringify(accessLog);
    if (definition === this.#definition) return;
    this.#definition = definition;
    void this.close();
    if (accessLog === false) return;
    const sink = new FileSink({
      target: accessLog.to,
      onError: (error) => this.#options.logger.log('error', 'access log cannot be written', { error }),
      later: (run) => void setTimeout(run, LOG_READER_PAUSE_MS),
    });
    const log = new AccessLog(sink, this.#options.clock);
    this.#sink = sink;
    this.#log = log;
    this.#flushTimer = setInterval(() => this.#flush(log), accessLog.flushEvery).unref();
  }

  /** Opens the file anew. */
  reopen(): void {
    this.#sink?.reopen();
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    clearInterval(this.#flushTimer);
    const sink = this.#sink;
    this.#log?.flush();
    this.#log = undefined;
    this.#sink = undefined;
    await sink?.close();
  }

  #flush(log: AccessLog): void {
    log.flush();
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#droppedToldMs < DROPPED_TOLD_EVERY_MS) return;
    const lines = log.takeDroppedCount();
    if (lines === 0) return;
    this.#droppedToldMs = nowMs;
    this.#options.logger.log('warn', 'access log lines dropped', { lines });
  }
}
