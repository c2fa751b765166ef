import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { type CollectedAnswer, CollectingClient } from '#http/collecting-client.ts';
import type { Exchange } from '#http/exchange.ts';
import type { InjectionTarget } from '#http/inject.ts';
import { batchErrors } from './batch-errors.ts';
import type { ReadItem } from './item-request.ts';

export interface ItemOrder {
  /** The request that carries the batch. */
  readonly outer: Exchange;
  readonly item: ReadItem;
  readonly body: Buffer;
  readonly answerBytesMax: number;
  readonly timeoutMs: number;
}

export interface ItemMeans {
  readonly wheel: TimerWheel;
  readonly nowMs: () => number;
  readonly nextRequestId: () => string;
  /** The whole gateway. */
  readonly target: InjectionTarget;
}

/** One request of a batch on its way through the whole gateway. */
export class ItemRun extends WheelTimer {
  readonly #order: ItemOrder;
  readonly #means: ItemMeans;
  readonly #client: CollectingClient;

  constructor(order: ItemOrder, means: ItemMeans, onEnded: (outcome: CollectedAnswer | GatewayError) => void) {
    super();
    const { outer, item, body, answerBytesMax } = order;
    const { wheel, nowMs, nextRequestId, target } = means;
    this.#order = order;
    this.#means = means;
    this.#client = new CollectingClient({
      request: item.request,
      body,
      requestId: nextRequestId(),
      answerBytesMax,
      tooLong: () => batchErrors.answerTooLong({ answerBytesMax }, { publicDetail: `at most ${answerBytesMax} bytes are taken` }),
      owner: target,
      nowMs,
      describeClient: () => outer.client.describeClient(),
      onEnded: (outcome) => {
        wheel.remove(this);
        onEnded(outcome);
      },
    });
    this.exchange.batchOf = outer.requestId;
    this.exchange.trace = outer.trace?.createChild();
  }

  get exchange(): Exchange {
    return this.#client.exchange;
  }

  /** What comes of it may be there before this returns. */
  start(): void {
    const { item, timeoutMs } = this.#order;
    if (item.fault !== undefined) return this.refuse(item.fault);
    this.#means.wheel.arm(this, timeoutMs);
    this.#means.target.onExchange(this.exchange);
  }

  /** Instead of being started. */
  refuse(error: GatewayError): void {
    this.#means.target.onRefusedRequest(this.exchange, error);
  }

  leave(error: GatewayError): void {
    this.#client.leave(error);
  }

  override onDeadline(): void {
    const { timeoutMs } = this.#order;
    this.leave(batchErrors.timeout({ timeoutMs }, { publicDetail: `it had ${timeoutMs} ms` }));
  }
}
