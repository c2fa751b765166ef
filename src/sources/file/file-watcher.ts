import { realpath, stat } from 'node:fs/promises';

const EVERY_MS = 500;

/**
 * Notices when any of a set of files changes: rewritten in place, replaced by rename as editors do, or moved behind a
 * symbolic link as Kubernetes does with a mounted ConfigMap. It looks twice a second instead of asking the system for
 * events, because those are lost on network mounts and do not follow links. A file that vanishes is no change: it is
 * waited for, and what it says when it comes back is.
 */
export class FileWatcher {
  readonly #onChange: () => void;
  #files: readonly string[] = [];
  #stamps = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these files from now on, as they are now. */
  async watch(files: readonly string[]): Promise<void> {
    this.#files = files;
    this.#stamps = new Map(
      await Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readStamp(file)])),
    );
    this.#timer ??= setInterval(() => void this.look(), EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once, now. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    let hasChanged = false;
    for (const file of this.#files) {
      const stamp = await readStamp(file);
      if (stamp === VANISHED || stamp === this.#stamps.get(file)) continue;
      this.#stamps.set(file, stamp);
      hasChanged = true;
    }
    this.#isLooking = false;
    if (hasChanged) this.#onChange();
  }
}

const VANISHED = 'vanished';

async function readStamp(file: string): Promise<string> {
  try {
    const path = await realpath(file);
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    // Missing or not readable now: to be looked at again next time.
    return VANISHED;
  }
}
