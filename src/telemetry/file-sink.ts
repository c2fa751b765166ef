import sonicBoom, { type SonicBoom } from 'sonic-boom';
import { limits } from '#base/limits.ts';
import type { LineSink } from './access-log.ts';

export type LineTarget = 'stdout' | { readonly file: string };

/** Appends batches to a file or the standard output without waiting. What does not fit into the bounded buffer is refused. */
export class FileSink implements LineSink {
  readonly #boom: SonicBoom;
  #dropped = false;

  /** `onError` hears of a disk that is full or a file that cannot be opened; logging goes on when it can. */
  constructor(target: LineTarget, onError: (error: Error) => void) {
    const where = target === 'stdout' ? { fd: 1 } : { dest: target.file, append: true, mkdir: true };
    this.#boom = new sonicBoom.SonicBoom({ ...where, sync: false, minLength: 0, maxLength: limits.accessLogPendingBytesMax });
    this.#boom.on('error', onError);
    this.#boom.on('drop', () => {
      this.#dropped = true;
    });
  }

  write(batch: string): boolean {
    this.#dropped = false;
    this.#boom.write(batch);
    return !this.#dropped;
  }

  /** Opens the file anew, after a rotation moved it away. */
  reopen(): void {
    this.#boom.reopen();
  }

  /** Writes what is left, at once. */
  close(): void {
    try {
      this.#boom.flushSync();
    } catch {
      // The file never opened or the disk is gone; `onError` has told.
    }
    this.#boom.end();
  }
}
