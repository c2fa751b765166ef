/**
 * The file that a recording is appended to, and those before it. Whoever records never waits: what comes while the disk is busy
 * stands in a bounded queue, and what a full disk does not take is given up.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { limits } from '#base/limits.ts';

export interface RecordingFileOptions {
  readonly file: string;
  /** Before a line would make it longer, another file is begun. */
  readonly bytesMax: number;
  /** Files that are kept, the present one included. */
  readonly filesMax: number;
  /** Hears of the first of a row of failures. */
  onError(error: unknown): void;
  /** Lines were written, or given up. */
  onDone(outcome: { readonly bytes: number; readonly isWritten: boolean }): void;
}

/** What somebody may record is for those who run the gateway. */
const FILE_MODE = 0o600;

export class RecordingFile {
  readonly #options: RecordingFileOptions;
  readonly #queue: { readonly line: string; readonly bytes: number }[] = [];
  #queuedBytes = 0;
  #handle: FileHandle | undefined;
  #fileBytes = 0;
  /** A line may have been written in part. */
  #endsWithin = false;
  #hasFailed = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: RecordingFileOptions) {
    this.#options = options;
  }

  /** A line with its end. False: too much waits already, or it is closed; then the line is given up. */
  write(line: string): boolean {
    const bytes = Buffer.byteLength(line);
    if (this.#isClosed || this.#queuedBytes + bytes > limits.recordingPendingBytesMax) return false;
    this.#queue.push({ line, bytes });
    this.#queuedBytes += bytes;
    this.#running ??= this.#run();
    return true;
  }

  /** Resolves when all is written, or cannot be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    await this.#closeHandle();
  }

  async #run(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { line, bytes } = next;
      const isWritten = await this.#append(line, bytes);
      this.#queuedBytes -= bytes;
      this.#options.onDone({ bytes, isWritten });
    }
    this.#running = undefined;
  }

  async #append(line: string, bytes: number): Promise<boolean> {
    try {
      this.#handle ??= await this.#open();
      if (this.#fileBytes > 0 && this.#fileBytes + bytes > this.#options.bytesMax) await this.#beginAnother();
      const text = this.#endsWithin ? `\n${line}` : line;
      this.#endsWithin = true;
      await this.#handle.appendFile(text);
      this.#endsWithin = false;
      this.#fileBytes += bytes;
      this.#hasFailed = false;
      return true;
    } catch (error) {
      if (!this.#hasFailed) this.#options.onError(error);
      this.#hasFailed = true;
      await this.#closeHandle();
      return false;
    }
  }

  async #open(): Promise<FileHandle> {
    const { file } = this.#options;
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(file, 'a', FILE_MODE);
    const { size } = await handle.stat();
    this.#fileBytes = size;
    // It may have been ended in the middle of a line.
    if (size > 0) this.#endsWithin = true;
    return handle;
  }

  async #beginAnother(): Promise<void> {
    const { file, filesMax } = this.#options;
    await this.#closeHandle();
    for (let number = filesMax - 1; number > 0; number--)
      await rename(toName(file, number - 1), toName(file, number)).catch(ignoreMissing);
    if (filesMax <= 1) await rm(file, { force: true });
    this.#handle = await this.#open();
    this.#endsWithin = false;
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {
      // What it was to hold is written, or its loss has been told.
    });
  }
}

/** The higher the number, the older. */
function toName(file: string, number: number): string {
  return number === 0 ? file : `${file}.${number}`;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
