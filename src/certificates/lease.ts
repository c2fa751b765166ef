/**
 * One of several instances at a time: a file that its holder writes again and again. Who wants it and sees the same text for
 * long enough takes it over, because its holder is gone. Only the watcher's own clock counts, so clocks of different machines
 * may differ. A holder that was stopped for too long finds out before it writes again.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { readIfThere, writeWhole } from './acme-store.ts';

const BEAT_EVERY_MS = 5_000;
/** A holder that could not write for this long must not assume that it still holds the lease. */
const HELD_MAX_MS = 20_000;
/** Longer than that by what a slow file system may take. */
const ABANDONED_AFTER_MS = 30_000;

export class Lease {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #holder = randomBytes(8).toString('hex');
  #beats = 0;
  #isHeld = false;
  #beatMs = 0;
  /** Another holder's text, and since when it has been the same. */
  #seen: { readonly text: string; readonly sinceMs: number } | undefined;
  #markSinceMs: number | undefined;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Takes the lease if nobody has it. Answers whether it is ours. */
  async take(): Promise<boolean> {
    if (this.#isHeld) return true;
    if (await this.#create()) return true;
    const text = await readIfThere(this.#path);
    const nowMs = this.#clock.monotonicMs();
    if (text === undefined || text !== this.#seen?.text) {
      this.#seen = text === undefined ? undefined : { text, sinceMs: nowMs };
      this.#markSinceMs = undefined;
      return false;
    }
    if (nowMs - this.#seen.sinceMs < ABANDONED_AFTER_MS) return false;
    return this.#takeOver(text);
  }

  /** Says that the holder is alive. Answers whether the lease is still ours; to be called every second or so. */
  async beat(): Promise<boolean> {
    if (!this.#isHeld) return false;
    const passedMs = this.#clock.monotonicMs() - this.#beatMs;
    if (passedMs < BEAT_EVERY_MS) return true;
    this.#isHeld = passedMs < HELD_MAX_MS && (await readIfThere(this.#path))?.startsWith(this.#holder) === true;
    if (!this.#isHeld) return false;
    await writeWhole(this.#path, this.#toText());
    return true;
  }

  async release(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // Taken over by somebody else meanwhile: then it is theirs to remove.
    if ((await readIfThere(this.#path))?.startsWith(this.#holder) === true) await rm(this.#path, { force: true });
  }

  async #create(): Promise<boolean> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (!(await createFile(this.#path, this.#toText()))) return false;
    this.#isHeld = true;
    this.#seen = undefined;
    return true;
  }

  /** Puts our lease into the place of an abandoned one. Who does so is alone, or would remove the lease of who was faster. */
  async #takeOver(abandoned: string): Promise<boolean> {
    const mark = `${this.#path}.over`;
    if (!(await createFile(mark, this.#holder))) {
      await this.#removeOldMark(mark);
      return false;
    }
    try {
      if ((await readIfThere(this.#path)) === abandoned) await rm(this.#path, { force: true });
      return await this.#create();
    } finally {
      await rm(mark, { force: true });
    }
  }

  /** Somebody died in the moment of taking over. */
  async #removeOldMark(mark: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#markSinceMs ??= nowMs;
    if (nowMs - this.#markSinceMs < ABANDONED_AFTER_MS) return;
    this.#markSinceMs = undefined;
    await rm(mark, { force: true });
  }

  #toText(): string {
    this.#beatMs = this.#clock.monotonicMs();
    this.#beats += 1;
    return `${this.#holder} ${this.#beats}\n`;
  }
}

/** Answers whether the file was not there before. */
async function createFile(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
