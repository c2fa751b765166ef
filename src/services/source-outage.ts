import type { LogFields } from '#base/logger.ts';
import type { EndpointSourceMeans } from './endpoint-source.ts';

/** Whether a source of endpoints fails at the moment: told once when it begins and once when it is over. */
export class SourceOutage {
  readonly #means: EndpointSourceMeans;
  readonly #fields: LogFields;
  #isOut = false;

  /** `fields` name the source. */
  constructor(means: EndpointSourceMeans, fields: LogFields) {
    this.#means = means;
    this.#fields = { service: means.service, ...fields };
  }

  begin(reason: string): void {
    if (this.#isOut) return;
    this.#isOut = true;
    this.#means.logger.log('warn', 'endpoints cannot be found', { ...this.#fields, reason });
    this.#means.onFailed();
  }

  end(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    this.#means.logger.log('info', 'endpoints are found again', this.#fields);
  }
}
