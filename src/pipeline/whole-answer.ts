import { ByteCollector } from '#base/byte-collector.ts';
import { GatewayError } from '#base/errors.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import { rescue, rescueThrown } from './rescue.ts';

export interface WholeAnswerUse {
  /** How much of a body is held at most. */
  readonly bytesMax: number;
  /** What is sent in the place of the answer, or the refusal. `body` is the whole body as it came. */
  replace(response: ResponseHead, body: Buffer): Reply | GatewayError | Promise<Reply | GatewayError>;
  /** What becomes of a longer answer: an error, or `undefined` to let it pass as it is. */
  onTooLong(): GatewayError | undefined;
}

/**
 * Holds an answer back until it is whole, and puts another in its place. For answers that have a body. Trailers of an answer
 * that is replaced are left out: they speak of a body that is gone.
 */
export class WholeAnswerStage implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #use: WholeAnswerUse;
  #next!: NextStage;
  #head!: ResponseHead;
  readonly #collected = new ByteCollector();
  #isPassing = false;
  #isOver = false;

  constructor(exchange: Exchange, use: WholeAnswerUse) {
    this.#exchange = exchange;
    this.#use = use;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#head = response;
    this.#next = next;
    if ((response.contentLengthBytes ?? 0) > this.#use.bytesMax) this.#giveUp();
  }

  sendChunk(view: Buffer): boolean {
    if (this.#isPassing) return this.#next.sendChunk(view);
    if (this.#isOver) return true;
    this.#collected.add(view);
    return this.#collected.byteLength <= this.#use.bytesMax || this.#giveUp();
  }

  flush(): boolean {
    return this.#isPassing ? this.#next.flush() : true;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#isPassing) return this.#next.sendEnd(trailers);
    if (this.#isOver) return;
    const outcome = this.#use.replace(this.#head, this.#collected.take());
    if (outcome instanceof Promise)
      outcome.then(
        (settled) => this.#send(settled),
        (thrown) => this.#isOver || rescueThrown(this.#exchange, thrown),
      );
    else this.#send(outcome);
  }

  onDrained(): void {
    if (this.#isPassing) this.#next.askForMore();
  }

  abandon(): void {
    this.#isOver = true;
    this.#collected.clear();
  }

  /** True where more may come at once. */
  #giveUp(): boolean {
    const error = this.#use.onTooLong();
    if (error !== undefined) {
      this.#collected.clear();
      this.#isOver = true;
      rescue(this.#exchange, error);
      return true;
    }
    this.#isPassing = true;
    const held = this.#collected.take();
    this.#next.sendHead(this.#head);
    return held.length === 0 || this.#next.sendChunk(held);
  }

  #send(outcome: Reply | GatewayError): void {
    if (this.#isOver) return;
    if (outcome instanceof GatewayError) return rescue(this.#exchange, outcome);
    this.#next.sendHead(outcome);
    if (outcome.body !== undefined && outcome.body.length > 0) this.#next.sendChunk(outcome.body);
    this.#next.sendEnd(undefined);
  }
}
