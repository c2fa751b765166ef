import { limits } from '#base/limits.ts';

/** Where a stream that is not open stands. `left`: we have reset it while its peer could still send. */
export type StreamPlace = 'idle' | 'left' | 'ended' | 'passed-over';

/** The streams of a connection, which its client begins, and what has to be known of those that are no more. */
export class Http2Streams<Stream> {
  readonly #open = new Map<number, Stream>();
  /** The newest of those that were left, in the order in which they were. */
  readonly #left = new Set<number>();
  /** Below this, whether a stream was left is not known any more. */
  #forgottenId = 0;
  #hasPassedOver = false;
  /** The highest that the client has begun. */
  lastId = 0;

  get count(): number {
    return this.#open.size;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  values(): IterableIterator<Stream> {
    return this.#open.values();
  }

  /** The client begins a stream, with an id that is higher than those before. */
  begin(id: number): void {
    if (id > this.lastId + 2) this.#hasPassedOver = true;
    this.lastId = id;
  }

  add(id: number, stream: Stream): void {
    this.#open.set(id, stream);
  }

  remove(id: number): void {
    this.#open.delete(id);
  }

  /** RFC 9113 §5.1: what the peer has sent before it learns of the reset is ignored. */
  leave(id: number): void {
    this.#left.add(id);
    if (this.#left.size <= limits.http2StreamsLeftMax) return;
    const [oldest] = this.#left;
    this.#left.delete(oldest!);
    if (oldest! > this.#forgottenId) this.#forgottenId = oldest!;
  }

  placeOf(id: number): StreamPlace {
    // RFC 9113 §5.1.1: even ids are for what is pushed, which nobody may do.
    if (id > this.lastId || (id & 1) === 0) return 'idle';
    if (id <= this.#forgottenId || this.#left.has(id)) return 'left';
    // RFC 9113 §5.1.1: ids that were passed over are closed too, and which these were is not kept.
    return this.#hasPassedOver ? 'passed-over' : 'ended';
  }
}
