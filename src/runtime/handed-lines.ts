/** Lines of this thread that the control thread sends: handed over as they are, and no more of them at a time than can wait. */
import { limits } from '#base/limits.ts';
import type { LineSink } from '#telemetry/access-log.ts';
import type { HandedOver } from './access-log-messages.ts';

/** Below this, a copy is cheaper than a memory of its own for each batch. */
const COPIED_BYTES_MAX = 64 * 1024;

export class HandedLines<Kind extends HandedOver['kind']> implements LineSink {
  readonly #kind: Kind;
  readonly #target: string;
  readonly #tell: (lines: HandedOver<Kind>, handedOver: readonly ArrayBuffer[]) => void;
  readonly #waiting = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor(kind: Kind, target: string, tell: (lines: HandedOver<Kind>, handedOver: readonly ArrayBuffer[]) => void) {
    this.#kind = kind;
    this.#target = target;
    this.#tell = tell;
  }

  write(batch: Buffer): boolean {
    if (batch.length === 0) return true;
    if (Atomics.load(this.#waiting, 0) + batch.length > limits.accessLogPendingBytesMax) return false;
    Atomics.add(this.#waiting, 0, batch.length);
    const bytes = toOwnMemory(batch);
    this.#tell({ kind: this.#kind, target: this.#target, bytes, waiting: this.#waiting }, [bytes.buffer]);
    return true;
  }

  /** What was handed over comes before the word that the thread has ended. */
  async close(): Promise<number> {
    return 0;
  }
}

/** Bytes whose memory holds nothing else that anybody needs. */
function toOwnMemory(batch: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = batch;
  if (length <= COPIED_BYTES_MAX || !(buffer instanceof ArrayBuffer)) return new Uint8Array(batch);
  return new Uint8Array(buffer, byteOffset, length);
}
