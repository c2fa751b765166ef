import { realpath, stat } from 'node:fs/promises';

const EVERY_MS = 500;
/** A file that was different a moment ago may still be being written: it is looked at once more after this. */
const SETTLING_MS = 100;

/**
 * Notices when any of a set of files changes: rewritten in place, replaced by rename as editors do, or moved behind a
 * symbolic link as Kubernetes does with a mounted ConfigMap. It looks twice a second instead of asking the system for
 * events, because those are lost on network mounts and do not follow links. A change is told once the files stay as they
 * are, so that half a file is not taken for a whole one. A file that vanishes is no change: it is waited for, and what it
 * says when it comes back is.
 */
export class FileWatcher {
  readonly #onChange: () => void;
  #files: readonly string[] = [];
  #known = new Map<string, string>();
  /** Stamps that differ from the known ones and have been seen once. */
  #unsettled = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isLooking = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** What the files are now is about to be loaded; only what changes after this is a change. */
  async mark(): Promise<void> {
    this.#unsettled = new Map();
    for (const file of this.#files) this.#known.set(file, (await readStamp(file)) ?? this.#known.get(file) ?? VANISHED);
  }

  /** Watches these files from now on. One that was watched before counts from the last `mark` or change. */
  async watch(files: readonly string[]): Promise<void> {
    const before = this.#known;
    const stamps = files.map(
      async (file): Promise<[string, string]> => [file, before.get(file) ?? (await readStamp(file)) ?? VANISHED],
    );
    this.#files = files;
    this.#known = new Map(await Promise.all(stamps));
    if (this.#timer === undefined && !this.#isStopped) this.#lookAfter(EVERY_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once, now. A change is told by the second look that sees it. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const seen = new Map<string, string>();
    for (const file of this.#files) {
      const stamp = await readStamp(file);
      if (stamp !== undefined && stamp !== this.#known.get(file)) seen.set(file, stamp);
    }
    this.#isLooking = false;
    const isSettled = [...seen].every(([file, stamp]) => this.#unsettled.get(file) === stamp);
    if (seen.size === 0 || !isSettled) {
      this.#unsettled = seen;
      return;
    }
    this.#unsettled = new Map();
    for (const [file, stamp] of seen) this.#known.set(file, stamp);
    if (!this.#isStopped) this.#onChange();
  }

  #lookAfter(ms: number): void {
    this.#timer = setTimeout(async () => {
      await this.look();
      if (!this.#isStopped) this.#lookAfter(this.#unsettled.size === 0 ? EVERY_MS : SETTLING_MS);
    }, ms).unref();
  }
}

const VANISHED = 'vanished';

/** What changes whenever the file does; `undefined` when it is missing or not readable now. */
async function readStamp(file: string): Promise<string | undefined> {
  try {
    const path = await realpath(file);
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    // To be looked at again next time.
    return undefined;
  }
}
