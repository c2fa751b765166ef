import type { LogFields, Logger } from '#base/logger.ts';

/** Whether a source of endpoints fails at the moment: told once when it begins and once when it is over. */
export class SourceOutage {
  readonly #logger: Logger;
  readonly #fields: LogFields;
  #reason: string | undefined;

  constructor(logger: Logger, fields: LogFields) {
    this.#logger = logger;
    this.#fields = fields;
  }

  /** `kept` says how many endpoints stay as they are meanwhile. */
  begin(reason: string, kept: number): void {
    if (this.#reason === undefined)
      this.#logger.log('warn', 'endpoints cannot be found', { ...this.#fields, reason, endpointsKept: kept });
    this.#reason = reason;
  }

  end(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#logger.log('info', 'endpoints are found again', this.#fields);
  }
}
