/** A client that waits for what is being fetched, together with others perhaps, and takes it at its own speed. */
import type { GatewayError } from '#base/errors.ts';
import type { AnswerSource, Exchange, ExchangeHold } from '#http/exchange.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import type { Asked } from './asked.ts';

/** What it waits for. */
export interface WaitedFor {
  leave(client: WaitingClient): void;
  /** It takes more again. */
  onDrained(client: WaitingClient): void;
}

/** What has come of a body. Pieces are never changed. */
export interface FetchedBody {
  readonly pieces: readonly Buffer[];
  readonly isWhole: boolean;
  readonly trailers: readonly string[] | undefined;
}

export class WaitingClient implements AnswerSource, ExchangeHold {
  readonly asked: Asked;
  readonly exchange: Exchange;
  /** Resolves when its exchange is over. */
  readonly ended: Promise<undefined>;
  readonly #end: (value: undefined) => void;
  #waitsFor: WaitedFor | undefined = undefined;
  /** How many pieces it has been given. */
  takenCount = 0;
  isBlocked = false;
  /** It goes for its answer itself, whatever others fetch. */
  goesAlone = false;

  constructor(asked: Asked) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.asked = asked;
    this.exchange = asked.exchange;
    this.ended = promise;
    this.#end = resolve;
    asked.exchange.attach(this);
  }

  waitFor(what: WaitedFor): void {
    this.#waitsFor = what;
    this.exchange.source = this;
  }

  /** The answer begins here. What it is made of comes with `feed`, or from whoever is the source then. */
  begin(response: ResponseHead): void {
    this.#try(() => this.exchange.sendHead(response));
  }

  feed(body: FetchedBody): void {
    this.#try(() => this.#feed(body));
  }

  /** Nothing more comes for the moment. */
  flush(): void {
    this.#try(() => {
      if (!this.isBlocked && !this.exchange.answer.flush()) this.isBlocked = true;
    });
  }

  /** What was passed on as it came is over. */
  endPassed(trailers: readonly string[] | undefined): void {
    this.#leave();
    this.#try(() => this.exchange.answer.sendEnd(trailers));
  }

  answer(reply: Reply): void {
    this.#leave();
    this.#try(() => this.exchange.sendReply(reply));
  }

  fail(error: GatewayError): void {
    this.#leave();
    rescue(this.exchange, error);
  }

  // From the exchange

  release(): void {
    this.onClientGone();
    this.#end(undefined);
  }

  onClientGone(): void {
    const what = this.#waitsFor;
    this.#waitsFor = undefined;
    what?.leave(this);
  }

  onClientDrained(): void {
    this.isBlocked = false;
    this.#waitsFor?.onDrained(this);
  }

  onRequestChunk(): void {
    // What there is of a body has been read.
  }

  onRequestFlush(): void {
    // As above.
  }

  onRequestEnd(): void {
    // As above.
  }

  // Inside

  #feed({ pieces, isWhole, trailers }: FetchedBody): void {
    const { exchange } = this;
    while (!this.isBlocked && this.takenCount < pieces.length) {
      const piece = pieces[this.takenCount]!;
      this.takenCount += 1;
      if (!exchange.answer.sendChunk(piece)) this.isBlocked = true;
      if (exchange.isFinished) return;
    }
    if (!isWhole || this.takenCount < pieces.length) return;
    this.#leave();
    exchange.answer.sendEnd(trailers);
  }

  #leave(): void {
    this.#waitsFor = undefined;
    this.exchange.source = undefined;
  }

  /** What fails for one client fails for no other. */
  #try(run: () => void): void {
    if (this.exchange.isFinished) return;
    try {
      run();
    } catch (thrown) {
      rescueThrown(this.exchange, thrown);
    }
  }
}
