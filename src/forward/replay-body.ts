import type { UpstreamCall } from '#http/upstream-call.ts';

/** The beginning of a request's body, kept for as long as another attempt may need it. */
export class ReplayBody {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** It has become longer than what is kept. */
  get isGone(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  keep(view: Buffer): void {
    this.#bytes += view.length;
    if (this.isGone) this.#chunks = [];
    else this.#chunks.push(Buffer.from(view));
  }

  /** What the upstream does not take at once waits in the call, which has no more of it than is kept here. */
  sendTo(call: UpstreamCall): void {
    for (const chunk of this.#chunks) call.sendChunk(chunk);
  }
}
