import type { Clock } from '#base/clock.ts';
import type { Exchange } from '#http/exchange.ts';
import { decodeWhole } from '#http/query-parameter.ts';
import { AskingConsumer, AskingRequest } from './asking.ts';
import type { ExpressionVariables } from './expression.ts';

/** What an expression may name of an exchange. Made for each evaluation; a class, since an object with getters of its own is slow to make. */
export class ExchangeVariables implements ExpressionVariables {
  readonly #exchange: Exchange;
  readonly #clock: Clock;

  constructor(exchange: Exchange, clock: Clock) {
    this.#exchange = exchange;
    this.#clock = clock;
  }

  get request(): AskingRequest {
    return new AskingRequest(this.#exchange.request);
  }

  get consumer(): AskingConsumer {
    return new AskingConsumer(this.#exchange.consumer);
  }

  get route(): string {
    return this.#exchange.plan?.routeName ?? '';
  }

  get path(): ReadonlyMap<string, string> {
    const { captureNames, captures } = this.#exchange;
    return new Map(captureNames.map((name, i) => [name, decodeWhole(captures[i]!)]));
  }

  get now(): Date {
    return new Date(this.#clock.wallMs());
  }
}
