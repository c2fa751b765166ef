import { limits } from '#base/limits.ts';
import type { FrameBuffers } from '#wire/http2/frame-writer.ts';

/** A full round of frames (`limits.http2WriteBytesMax`), the last of which may go beyond, and what small frames stand among them. */
const BUFFER_BYTES = limits.http2WriteBytesMax + 20 * 1024;

/** The buffers in which the connections of one thread join frames. One that has nothing to write holds none. */
export class FrameMemory implements FrameBuffers {
  readonly #free: Buffer[] = [];

  take(bytesMin: number): Buffer {
    if (bytesMin > BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytesMin);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length === BUFFER_BYTES && this.#free.length < limits.frameBuffersKeptMax) this.#free.push(buffer);
  }
}
