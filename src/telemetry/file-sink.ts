/**
 * Appends lines to a file or to the standard output without making a request wait. One write runs at a time; what comes
 * meanwhile stands in a bounded queue. A file that cannot be opened or written is reported once and tried again, so that
 * logging goes on when the disk has room again.
 */
import { close, fstatSync, mkdir, open, write } from 'node:fs';
import { dirname } from 'node:path';
import { limits } from '#base/limits.ts';
import type { LineSink } from './access-log.ts';
import { countLines } from './lines/count-lines.ts';

export type LineTarget = 'stdout' | { readonly file: string };

export interface FileSinkOptions {
  readonly target: LineTarget;
  /** Hears of the first of a row of failures. */
  onError(error: Error): void;
  /** Runs something a few milliseconds later: whoever reads our output is slow for a moment. */
  later(run: () => void): void;
}

const STDOUT = 1;
const LINE_FEED = 10;
/**
 * POSIX: a write to a pipe of at most this many bytes is never mixed with another's. Data threads share the standard
 * output, and who reads it wants whole lines. Files are appended to as a whole whatever the size.
 */
const PIPE_BYTES = 4096;
/** How often a sink that is closed waits for its slow reader. */
const LAST_TRIES_MAX = 100;

export class FileSink implements LineSink {
  readonly #options: FileSinkOptions;
  readonly #file: string | undefined;
  readonly #isPipe: boolean;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #fd: number | undefined;
  /** A file is being opened, or the first of the queue written. */
  #isBusy = false;
  #wantsReopening = false;
  /** Lines go to the file that was moved away, until the next batch tries again. */
  #hasFailedToReopen = false;
  #hasFailed = false;
  #lastTries = 0;
  #onClosed: ((lostLines: number) => void) | undefined;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#file = options.target === 'stdout' ? undefined : options.target.file;
    this.#fd = this.#file === undefined ? STDOUT : undefined;
    this.#isPipe = this.#file === undefined && !fstatSync(STDOUT).isFile();
    this.#proceed();
  }

  /** Takes lines, or refuses them when too many wait already. An empty batch only tries again what failed before. */
  write(bytes: Buffer): boolean {
    const hasRoom = this.#queuedBytes + bytes.length <= limits.accessLogPendingBytesMax;
    if (hasRoom && bytes.length > 0) {
      this.#queue.push(...(this.#isPipe ? toPipePieces(bytes) : [bytes]));
      this.#queuedBytes += bytes.length;
    }
    this.#wantsReopening ||= this.#hasFailedToReopen;
    this.#proceed();
    return hasRoom;
  }

  /** Opens the file anew, after a rotation moved it away. */
  reopen(): void {
    this.#wantsReopening = this.#file !== undefined;
    this.#proceed();
  }

  /** Resolves when everything is written, or cannot be: with how many lines are lost. */
  close(): Promise<number> {
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      this.#proceed();
    });
  }

  #proceed(): void {
    if (this.#isBusy) return;
    const next = this.#queue[0];
    if (this.#file !== undefined && (this.#fd === undefined || this.#wantsReopening)) this.#open(this.#file);
    else if (next !== undefined) this.#writeNext(this.#fd!, next);
    else if (this.#onClosed !== undefined) this.#end(this.#onClosed);
  }

  #end(onClosed: (lostLines: number) => void): void {
    const lost = this.#queue.splice(0);
    this.#isBusy = true;
    this.#closeFile();
    onClosed(lost.reduce((lines, batch) => lines + countLines(batch), 0));
  }

  #open(file: string): void {
    this.#isBusy = true;
    this.#wantsReopening = false;
    mkdir(dirname(file), { recursive: true }, () => {
      // Whether the folder could be made shows when the file is opened.
      open(file, 'a', (error, fd) => this.#opened(error, fd));
    });
  }

  #opened(error: Error | null, fd: number): void {
    this.#isBusy = false;
    this.#hasFailedToReopen = error !== null && this.#fd !== undefined;
    if (error === null) {
      this.#closeFile();
      this.#fd = fd;
    } else {
      this.#report(error);
      if (this.#fd === undefined) return this.#giveUpIfClosed();
    }
    this.#proceed();
  }

  #writeNext(fd: number, bytes: Buffer): void {
    this.#isBusy = true;
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      this.#isBusy = false;
      if (error === null) {
        this.#wrote(bytes, written);
        this.#proceed();
      } else if (error.code === 'EAGAIN' && (this.#onClosed === undefined || ++this.#lastTries <= LAST_TRIES_MAX)) {
        this.#isBusy = true;
        this.#options.later(() => this.#tryAgain());
      } else {
        this.#report(error);
        this.#giveUpIfClosed();
      }
    });
  }

  #tryAgain(): void {
    this.#isBusy = false;
    this.#proceed();
  }

  #wrote(bytes: Buffer, written: number): void {
    this.#hasFailed = this.#hasFailedToReopen;
    this.#queuedBytes -= written;
    if (written === bytes.length) this.#queue.shift();
    else this.#queue[0] = bytes.subarray(written);
  }

  #report(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onError(error);
  }

  /** While it is open the sink tries again with the next batch; there is none after the last. */
  #giveUpIfClosed(): void {
    if (this.#onClosed !== undefined) this.#end(this.#onClosed);
  }

  #closeFile(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined && fd !== STDOUT) close(fd);
  }
}

/** Cuts a batch at line ends into pieces that a pipe takes whole. A longer line is a piece of its own. */
function toPipePieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const lastEnd = bytes.lastIndexOf(LINE_FEED, start + PIPE_BYTES - 1) + 1;
    const nextEnd = bytes.indexOf(LINE_FEED, start) + 1;
    const end = bytes.length - start <= PIPE_BYTES || nextEnd === 0 ? bytes.length : Math.max(lastEnd, nextEnd);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}
