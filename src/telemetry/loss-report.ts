/** What was lost, as the log tells it: the first loss at once, then now and then all since, and at the end the rest. */
import type { Clock } from '#base/clock.ts';
import type { LogFields, Logger, LogLevel } from '#base/logger.ts';

export interface LossReportOptions {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'log'>;
  readonly level: LogLevel;
  readonly message: string;
  /** What is lost: the field that says how many. */
  readonly what: 'lines' | 'spans' | 'events' | 'messages';
}

const TOLD_EVERY_MS = 10_000;

export class LossReport {
  readonly #options: LossReportOptions;
  #toldMs = Number.NEGATIVE_INFINITY;
  #untold = 0;
  /** Of the last loss. */
  #fields: LogFields = {};

  constructor(options: LossReportOptions) {
    this.#options = options;
  }

  /** A count of 0 is news too: nothing can be sent, and nothing is lost yet. */
  add(count: number, fields: LogFields = {}): void {
    this.#untold += count;
    this.#fields = fields;
    if (this.#isDue) this.#tell();
  }

  /** Called every so often by whoever may add nothing for long. */
  look(): void {
    if (this.#untold > 0 && this.#isDue) this.#tell();
  }

  end(): void {
    if (this.#untold > 0) this.#tell();
  }

  get #isDue(): boolean {
    return this.#options.clock.monotonicMs() - this.#toldMs >= TOLD_EVERY_MS;
  }

  #tell(): void {
    const { clock, logger, level, message, what } = this.#options;
    const count = this.#untold;
    this.#toldMs = clock.monotonicMs();
    this.#untold = 0;
    // Last: where the log itself loses something, it comes back here.
    logger.log(level, message, { ...this.#fields, [what]: count });
  }
}
