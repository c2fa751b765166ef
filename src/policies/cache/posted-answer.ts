/**
 * The answer to a POST that is the resource as it is from now on, and says how long it is: kept for GET and HEAD (RFC 9110 §9.3.3). It goes
 * to who posted as it comes; a copy of it is put together on the way.
 */
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { ResponseHead } from '#http/response.ts';
import { joinPieces, toOwnMemory } from './own-memory.ts';

export class PostedAnswerStage implements AnswerStage {
  /** Of what it is an answer about. */
  readonly uri: string;
  /** Something has changed that meanwhile. */
  isOutdated = false;
  readonly #bytesMax: number;
  readonly #keep: (body: Buffer | undefined) => void;
  #next!: NextStage;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #announcedBytes: number | undefined = undefined;

  /** `keep` is told the body when it has come as a whole, and `undefined` when it has not, or is longer than `bytesMax`. */
  constructor(uri: string, bytesMax: number, keep: (body: Buffer | undefined) => void) {
    this.uri = uri;
    this.#bytesMax = bytesMax;
    this.#keep = keep;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#next = next;
    this.#announcedBytes = response.contentLengthBytes;
    next.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    this.#bytes += view.length;
    if (this.#bytes <= this.#bytesMax) this.#pieces.push(toOwnMemory(view));
    else this.#pieces = [];
    return this.#next.sendChunk(view);
  }

  flush(): boolean {
    return this.#next.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const isWhole = this.#announcedBytes === undefined || this.#announcedBytes === this.#bytes;
    this.#keep(isWhole && this.#bytes <= this.#bytesMax ? joinPieces(this.#pieces, this.#bytes) : undefined);
    this.#next.sendEnd(trailers);
  }

  onDrained(): void {
    this.#next.askForMore();
  }

  abandon(): void {
    this.#pieces = [];
    this.#keep(undefined);
  }
}
