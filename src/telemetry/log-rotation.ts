/**
 * Puts a file aside that has become long or old, under a name with the time, and keeps the last of these. Whoever writes to it opens
 * it anew when told; until then its lines go to the file that was put aside, so none is lost. That is also why one is compressed only
 * when nobody has written to it for a while, and not if somebody has done so meanwhile. Nothing here runs in a thread that serves.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '#base/clock.ts';
import type { RotateSettings } from '#config/access-log/target-schema.ts';

export interface LogRotationOptions {
  readonly file: string;
  readonly settings: RotateSettings;
  readonly clock: Clock;
  /** The file has another name: whoever writes to it has to open it anew. */
  onPutAside(): void;
  /** Hears of the first of a row of failures. */
  onError(error: unknown): void;
}

/** Writers have long been told by then. */
const QUIET_MS = 10_000;
const SAME_SECOND_MAX = 1_000;
const PART = '.gz.part';
const COMPRESSED = /\.gz$/;

export class LogRotation {
  readonly #options: LogRotationOptions;
  readonly #asideName: RegExp;
  #isBusy = false;
  #hasFailed = false;

  constructor(options: LogRotationOptions) {
    this.#options = options;
    this.#asideName = new RegExp(`^${RegExp.escape(basename(options.file))}\\.\\d{8}T\\d{6}Z(?:-\\d+)?(?:\\.gz(?:\\.part)?)?$`);
  }

  /** Called every so often. */
  async look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      if (await this.#isDue()) await this.#putAside();
      await this.#tidy();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.onError(error);
      this.#hasFailed = true;
    } finally {
      this.#isBusy = false;
    }
  }

  async #isDue(): Promise<boolean> {
    const { file, settings, clock } = this.#options;
    const stats = await statOrNothing(file);
    if (stats === undefined || !stats.isFile() || stats.size === 0) return false;
    if (settings.size !== undefined && stats.size >= settings.size) return true;
    // Where the system does not know when a file was made, it says that it was when it was changed last.
    return settings.every !== undefined && clock.wallMs() - stats.birthtimeMs >= settings.every;
  }

  async #putAside(): Promise<void> {
    const { file, onPutAside } = this.#options;
    await rename(file, await this.#findFreeName());
    onPutAside();
  }

  async #findFreeName(): Promise<string> {
    const { file, clock } = this.#options;
    const time = `${new Date(clock.wallMs()).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
    for (let i = 0; i < SAME_SECOND_MAX; i++) {
      const name = `${file}.${time}${i === 0 ? '' : `-${i}`}`;
      const isTaken = (await statOrNothing(name)) !== undefined || (await statOrNothing(`${name}.gz`)) !== undefined;
      if (!isTaken) return name;
    }
    return `${file}.${time}`;
  }

  async #tidy(): Promise<void> {
    const { file, settings } = this.#options;
    const folder = dirname(file);
    const names = (await readdir(folder)).filter((name) => this.#asideName.test(name));
    const whole = names.filter((name) => !name.endsWith(PART)).sort(byAge);
    // What a gateway that was ended has left half done.
    const unwanted = [
      ...names.filter((name) => name.endsWith(PART)),
      ...whole.slice(0, Math.max(0, whole.length - settings.keep)),
    ];
    for (const name of unwanted) await rm(join(folder, name), { force: true });
    if (!settings.gzip) return;
    for (const name of whole.slice(-settings.keep)) if (!name.endsWith('.gz')) await this.#compress(join(folder, name));
  }

  async #compress(path: string): Promise<void> {
    const before = await stat(path);
    if (this.#options.clock.wallMs() - before.mtimeMs < QUIET_MS) return;
    const { createGzip } = await import('node:zlib');
    const part = path + PART;
    await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: before.mode }));
    const after = await stat(path);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) return rm(part, { force: true });
    await rename(part, `${path}.gz`);
    await rm(path, { force: true });
  }
}

/** The number behind a time counts: `-10` comes after `-9`, and a file without one before both, compressed or not. */
function byAge(one: string, other: string): number {
  return toAge(one).localeCompare(toAge(other), 'en', { numeric: true });
}

function toAge(name: string): string {
  return name.replace(COMPRESSED, '');
}

async function statOrNothing(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
