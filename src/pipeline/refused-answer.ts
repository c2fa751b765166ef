import type { GatewayError } from '#base/errors.ts';
import type { AnswerStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import { rescue } from './rescue.ts';

/** Puts an error in the place of an answer whose head says already that it is not to pass. */
export class RefusedAnswer implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #error: GatewayError;

  constructor(exchange: Exchange, error: GatewayError) {
    this.#exchange = exchange;
    this.#error = error;
  }

  begin(): void {
    rescue(this.#exchange, this.#error);
  }

  sendChunk(): boolean {
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(): void {
    // Another answer takes its place.
  }

  onDrained(): void {
    // Nothing has been passed on.
  }

  abandon(): void {
    // Nothing is held.
  }
}
