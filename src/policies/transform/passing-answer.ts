/**
 * An answer whose body a mapping only puts into something larger: it streams, however large it is, and is looked at on its way. What turns out
 * to be no JSON behind its beginning is broken off, so that no client takes it for whole.
 */
import type { GatewayError } from '#base/errors.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { MappedAround } from '#pipeline/mapping/mapping.ts';
import { rescue } from '#pipeline/rescue.ts';
import { type JsonFault, JsonReader } from '#wire/json/json-reader.ts';

export interface PassingAnswerUse {
  /** What stands around the body; a refusal. */
  wrap(response: ResponseHead): MappedAround | GatewayError;
  /** The head of what comes out. */
  shapeHead(response: ResponseHead): void;
  toError(fault: JsonFault): GatewayError;
}

export class PassingAnswer implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #use: PassingAnswerUse;
  readonly #reader = new JsonReader({ index: false, valuesMax: Number.POSITIVE_INFINITY });
  #next!: NextStage;
  #head!: ResponseHead;
  #around: MappedAround | undefined = undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(exchange: Exchange, use: PassingAnswerUse) {
    this.#exchange = exchange;
    this.#use = use;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#next = next;
    this.#head = response;
    const around = this.#use.wrap(response);
    if ('before' in around) this.#around = around;
    else this.#refuse(around);
  }

  sendChunk(view: Buffer): boolean {
    if (this.#isOver) return true;
    const fault = this.#reader.write(view);
    if (fault !== undefined) return this.#refuse(this.#use.toError(fault));
    // Held back until the first piece has been looked at: most of what is no JSON shows it there.
    this.#begin();
    return this.#next.sendChunk(view);
  }

  flush(): boolean {
    return this.#hasBegun && !this.#isOver ? this.#next.flush() : true;
  }

  sendEnd(): void {
    if (this.#isOver) return;
    const fault = this.#reader.end();
    if (fault !== undefined) {
      this.#refuse(this.#use.toError(fault));
      return;
    }
    this.#isOver = true;
    for (const piece of this.#around?.after ?? []) this.#next.sendChunk(piece);
    // Trailers speak of a body that is part of another one now.
    this.#next.sendEnd(undefined);
  }

  onDrained(): void {
    if (!this.#isOver) this.#next.askForMore();
  }

  abandon(): void {
    this.#isOver = true;
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const around = this.#around;
    const { contentLengthBytes } = this.#head;
    this.#use.shapeHead(this.#head);
    this.#head.contentLengthBytes =
      contentLengthBytes === undefined || around === undefined ? undefined : contentLengthBytes + around.byteLength;
    this.#next.sendHead(this.#head);
    for (const piece of around?.before ?? []) this.#next.sendChunk(piece);
  }

  /** True, since nothing has to be waited for. */
  #refuse(error: GatewayError): boolean {
    this.#isOver = true;
    rescue(this.#exchange, error);
    return true;
  }
}
