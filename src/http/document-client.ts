/**
 * Takes an answer in the place of the client, and throws it away: when it is whole, somebody else gives the client another one, which
 * says how the first came about. What the client itself says goes on as it does.
 */
import type { ProxiedClient } from '#net/proxied-client.ts';
import type { ClientSide, Exchange, TunnelSide } from './exchange.ts';
import type { ResponseHead } from './response.ts';

export interface DocumentOwner {
  /** Asked when the answer begins, and its route is known. False: the client gets the answer as it is. */
  wantsDocument(exchange: Exchange): boolean;
  /** Nothing more comes of the answer: it has ended, or broken off. */
  onAnswerOver(client: DocumentClient): void;
}

export class DocumentClient implements ClientSide {
  readonly exchange: Exchange;
  /** Bytes of the answer that was thrown away. */
  answerBytes = 0;
  readonly #client: ClientSide;
  readonly #owner: DocumentOwner;
  /** The client is given the answer after all. */
  #passes = false;
  #isOver = false;

  /** From now on, the exchange's answer comes here. */
  constructor(exchange: Exchange, owner: DocumentOwner) {
    this.exchange = exchange;
    this.#client = exchange.client;
    this.#owner = owner;
    exchange.client = this;
    exchange.answer = this;
  }

  /** Ends the exchange with a document instead. */
  answer(text: string): void {
    const { exchange } = this;
    if (exchange.isFinished) return;
    const body = Buffer.from(text);
    exchange.client = this.#client;
    exchange.dropStages();
    const fields = ['content-type', 'application/json', 'cache-control', 'no-store'];
    exchange.beginAnswer({ status: 200, fields, contentLengthBytes: body.length });
    if (!exchange.isFinished) exchange.answer.sendChunk(body);
    if (!exchange.isFinished) exchange.answer.sendEnd(undefined);
  }

  sendHead(response: ResponseHead): void {
    this.#passes = !this.#owner.wantsDocument(this.exchange);
    // Otherwise the document tells the status.
    if (this.#passes) this.#client.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    if (this.#passes) return this.#client.sendChunk(view);
    this.answerBytes += view.length;
    return true;
  }

  flush(): boolean {
    return !this.#passes || this.#client.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#passes) this.#client.sendEnd(trailers);
    else this.#end();
  }

  abort(): void {
    if (this.#passes) this.#client.abort();
    else this.#end();
  }

  sendInformational(status: number, fields: readonly string[]): void {
    this.#client.sendInformational(status, fields);
  }

  resumeRequestBody(): void {
    this.#client.resumeRequestBody();
  }

  pauseRequestBody(): void {
    this.#client.pauseRequestBody();
  }

  describeClient(): ProxiedClient | undefined {
    return this.#client.describeClient();
  }

  /** A tunnel has no answer that a document could take the place of. */
  openTunnel(response: ResponseHead): TunnelSide | undefined {
    this.#isOver = true;
    return this.#client.openTunnel(response);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Whoever gave it is still in the middle of doing so.
    queueMicrotask(() => {
      if (!this.exchange.isFinished) this.#owner.onAnswerOver(this);
    });
  }
}
