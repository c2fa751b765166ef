import { realpath, stat } from 'node:fs/promises';
import { PathEvents } from './path-events.ts';

const EVERY_MS = 500;
/** A file that was different a moment ago may still be being written: it is looked at once more after this. */
const SETTLING_MS = 100;
/** The same for files that are wanted soon; those are small. */
const EAGER_SETTLING_MS = 30;

export interface FileWatcherOptions {
  /** Looks at once when the system tells of a change, and not only by the clock. */
  readonly isEager: boolean;
  /** How often it looks by the clock. */
  readonly everyMs?: number;
}

/**
 * Notices when any of a set of files changes: rewritten in place, replaced by rename as editors do, or moved behind a
 * symbolic link as Kubernetes does with a mounted ConfigMap. It looks twice a second and does not rely on events of the
 * system, because those are lost on network mounts; an eager one also looks when there is such an event. A change is told once the files stay as they
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
  #isAskedAgain = false;
  readonly #events: PathEvents | undefined;
  readonly #settlingMs: number;
  readonly #everyMs: number;

  constructor(onChange: () => void, { isEager, everyMs = EVERY_MS }: FileWatcherOptions = { isEager: false }) {
    this.#onChange = onChange;
    this.#everyMs = everyMs;
    this.#events = isEager ? new PathEvents(() => this.#lookSoon()) : undefined;
    this.#settlingMs = isEager ? EAGER_SETTLING_MS : SETTLING_MS;
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
    await this.#events?.follow(files);
    this.#known = new Map(await Promise.all(stamps));
    if (this.#timer === undefined && !this.#isStopped) this.#lookAfter(this.#everyMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#events?.stop();
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
    // A link may lead elsewhere now, or a file may be where there was none.
    await this.#events?.follow(this.#files);
    if (!this.#isStopped) this.#onChange();
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      this.#isAskedAgain = false;
      await this.look();
      if (!this.#isStopped) this.#lookAfter(this.#isAskedAgain || this.#unsettled.size > 0 ? this.#settlingMs : this.#everyMs);
    }, ms).unref();
  }

  #lookSoon(): void {
    this.#isAskedAgain = true;
    // What is settling is looked at in a moment anyway, and not sooner: one writing makes several events.
    if (!this.#isLooking && this.#unsettled.size === 0 && this.#timer !== undefined) this.#lookAfter(0);
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
