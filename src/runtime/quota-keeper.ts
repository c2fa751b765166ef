/**
 * Keeps the counts of quotas: makes the memory that all threads count in, and writes what has changed to a file, a little at a
 * time. What a process counted within the last second is lost when it is killed, and nothing else.
 */
import type { QuotaPage, QuotaView } from '#admin/quota-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { KeyedCounts } from '#stores/keyed-counts.ts';
import { provideQuotaMemory, QuotaEntries, type QuotaEntry, SHARED_KEY } from '#stores/quota-entries.ts';
import type { QuotaFile } from '#stores/quota-file.ts';

export interface QuotaKeeperMeans {
  readonly clock: Clock;
  readonly logger: Logger;
}

const SECOND_MS = 1_000;
/** How much may be lost. */
const SAVED_EVERY_MS = 1_000;
/** Of eight entries each: what is written at once takes about a millisecond. */
const BUCKETS_PER_STEP = 16;
const ENDED_PER_STEP = 500;
/** No thread that counts has it. */
const CONTROL_THREAD_NUMBER = 1_000_000;
const ID = /^[0-9a-f]{16}$/;

/** Of the settings that take effect at a start. */
interface StartSettings {
  readonly keys: number;
  readonly file: string | undefined;
}

export class QuotaKeeper {
  readonly memory: SharedArrayBuffer;
  readonly #counts: KeyedCounts;
  readonly #entries: QuotaEntries;
  readonly #file: QuotaFile | undefined;
  readonly #means: QuotaKeeperMeans;
  readonly #started: StartSettings;
  readonly #timer: NodeJS.Timeout | undefined;
  #isSaving = false;
  #isClosed = false;
  #isFailing = false;

  private constructor(memory: SharedArrayBuffer, file: QuotaFile | undefined, started: StartSettings, means: QuotaKeeperMeans) {
    this.memory = memory;
    this.#counts = new KeyedCounts(memory, CONTROL_THREAD_NUMBER);
    this.#entries = new QuotaEntries(this.#counts);
    this.#file = file;
    this.#started = started;
    this.#means = means;
    if (file !== undefined) this.#timer = setInterval(() => void this.#save(), SAVED_EVERY_MS).unref();
  }

  /** A problem with the file is one that an operator understands. */
  static async open(
    { quotas, stores }: Configuration,
    means: QuotaKeeperMeans,
  ): Promise<QuotaKeeper | { readonly problem: string }> {
    const started = { keys: quotas.keys, file: stores.file };
    if (stores.file === undefined) return new QuotaKeeper(provideQuotaMemory(quotas.keys), undefined, started, means);
    const { QuotaFile } = await import('#stores/quota-file.ts');
    const file = QuotaFile.open(stores.file);
    if ('problem' in file) return file;
    const seed = file.readSeed();
    const keeper = new QuotaKeeper(provideQuotaMemory(quotas.keys, seed), file, started, means);
    if (seed === undefined) file.writeSeed(keeper.#counts.entries.seed);
    else keeper.#readAll(file);
    return keeper;
  }

  /** Says what of a new configuration has to wait. */
  follow({ quotas, stores }: Configuration): void {
    const { logger } = this.#means;
    if (stores.file !== this.#started.file)
      logger.log('warn', 'a change of `stores.file` takes effect at the next start', { file: stores.file });
    if (quotas.keys !== this.#started.keys)
      logger.log('warn', 'a change of `quotas.keys` takes effect at the next start', { keys: quotas.keys });
  }

  list(from: number, max: number): QuotaPage {
    const quotas: QuotaView[] = [];
    for (let index = from; ; index++) {
      const at = this.#counts.entries.entryAt(index);
      if (at === undefined) return { quotas };
      const entry = this.#readPresent(at);
      if (entry === undefined || entry.used === 0) continue;
      if (quotas.length === max) return { quotas, next: index };
      quotas.push(toView(entry));
    }
  }

  /** False: nothing is counted under this id. */
  reset(id: string): boolean {
    if (!ID.test(id)) return false;
    return this.#counts.reset({ low: Number.parseInt(id.slice(0, 8), 16) | 0, high: Number.parseInt(id.slice(8), 16) | 0 });
  }

  /** Writes what has not been written. */
  close(): void {
    clearInterval(this.#timer);
    this.#isClosed = true;
    while (this.#file !== undefined && !this.#saveSome(this.#file) && !this.#isFailing);
    this.#file?.close();
  }

  /** In steps: with `threads: 0`, this thread serves. */
  async #save(): Promise<void> {
    if (this.#isSaving || this.#file === undefined) return;
    this.#isSaving = true;
    while (!this.#isClosed && !this.#saveSome(this.#file) && !this.#isFailing) await new Promise(setImmediate);
    this.#isSaving = false;
  }

  /** True: everything is written that was to be. */
  #saveSome(file: QuotaFile): boolean {
    const { logger } = this.#means;
    const changed: number[] = [];
    const isAll = this.#counts.visitChanged((at) => changed.push(at), BUCKETS_PER_STEP);
    const entries = changed.flatMap((at) => this.#readPresent(at) ?? []);
    try {
      if (entries.length > 0) file.save(entries);
      const isTidy = file.dropEnded(this.#nowS, ENDED_PER_STEP) < ENDED_PER_STEP;
      if (this.#isFailing && entries.length > 0) logger.log('info', 'counts of quotas are saved again');
      if (entries.length > 0) this.#isFailing = false;
      return isAll && isTidy;
    } catch (error) {
      for (const at of changed) this.#counts.noteChange(at);
      if (!this.#isFailing) logger.log('error', 'counts of quotas cannot be saved, and are kept in memory', { error });
      this.#isFailing = true;
      return false;
    }
  }

  #readAll(file: QuotaFile): void {
    const { counts, lost } = { counts: this.#counts, lost: { keys: 0 } };
    for (const entry of file.read(this.#nowS)) {
      const { low, high, until, max, used, key } = entry;
      const onClaim = (at: number) => this.#entries.label(at, entry);
      if (!counts.enter({ low, high, until: until | 0, max }, used, { isShared: key === SHARED_KEY, onClaim })) lost.keys += 1;
    }
    // They are what the file says.
    counts.visitChanged(() => undefined, Number.POSITIVE_INFINITY);
    if (lost.keys > 0) this.#means.logger.log('warn', 'no room for all keys of quotas that were saved', lost);
  }

  /** `undefined`: it is nobody's, or its window is over. */
  #readPresent(at: number): QuotaEntry | undefined {
    const entry = this.#entries.read(at);
    return entry === undefined || entry.until <= this.#nowS ? undefined : entry;
  }

  get #nowS(): number {
    return Math.floor(this.#means.clock.wallMs() / SECOND_MS);
  }
}

function toView({ low, high, name, key, used, max, until }: QuotaEntry): QuotaView {
  return {
    id: toHex(low) + toHex(high),
    quota: name,
    key: key.replaceAll('\n', ' ').replaceAll('\u0000', '(none)'),
    used,
    limit: max,
    until: new Date(until * SECOND_MS).toISOString(),
  };
}

function toHex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
