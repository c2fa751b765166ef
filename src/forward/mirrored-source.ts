import type { AnswerSource } from '#http/exchange.ts';
import type { MirrorCopy } from './mirror-copy.ts';

/** Takes the body of a request for two: for whoever answers, as it comes, and for the copy, which keeps it until it is whole. */
export class MirroredSource implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #copy: MirrorCopy;

  constructor(source: AnswerSource, copy: MirrorCopy) {
    this.#source = source;
    this.#copy = copy;
  }

  onRequestChunk(view: Buffer): void {
    this.#copy.addBody(view);
    this.#source.onRequestChunk(view);
  }

  onRequestFlush(): void {
    this.#source.onRequestFlush();
  }

  onRequestEnd(trailers: readonly string[] | undefined): void {
    this.#source.onRequestEnd(trailers);
    this.#copy.send();
  }

  onClientDrained(): void {
    this.#source.onClientDrained();
  }

  onClientGone(): void {
    this.#source.onClientGone();
    // A request that has been copied as a whole is no less worth than others because its client has gone.
    this.#copy.abandonBody();
  }
}
