/** Reads the database of countries into memory that all threads share. Loaded by configurations that name one. */
import { readFile, stat } from 'node:fs/promises';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';

export interface CountriesReading {
  /** As `CountryTable` reads it; `undefined`: no database is named. */
  readonly image: SharedArrayBuffer | undefined;
  readonly findings: readonly Finding[];
}

interface KeptDatabase {
  readonly path: string;
  /** Tells whether the file is still the one that was read: hashing a hundred megabytes would take longer than may be. */
  readonly identity: string;
  readonly image: SharedArrayBuffer;
}

interface Fault {
  readonly code: 'unreadable-file' | 'invalid-value';
  readonly problem: string;
}

/** In the place of a database that has become unusable stays the one before. */
export class CountryReader {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #kept: KeptDatabase | undefined;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  async read({ geo }: Pick<Configuration, 'geo'>): Promise<CountriesReading> {
    const before = this.#kept?.path === geo?.database ? this.#kept : undefined;
    if (geo === undefined) {
      this.#kept = undefined;
      return { image: undefined, findings: [] };
    }
    const path = geo.database;
    const read = await this.#read(path, before);
    if ('image' in read) {
      this.#kept = read;
      return { image: read.image, findings: [] };
    }
    const { code, problem } = read;
    if (before === undefined) {
      const message = `the database of countries ${path} ${problem}`;
      return { image: undefined, findings: [{ path: ['geo', 'database'], code, message }] };
    }
    this.#logger.log('error', 'database of countries refused; the one before stays', { file: path, issue: problem });
    return { image: before.image, findings: [] };
  }

  async #read(path: string, before: KeptDatabase | undefined): Promise<KeptDatabase | Fault> {
    try {
      const { size, ino, mtimeMs, ctimeMs } = await stat(path);
      const identity = [size, ino, mtimeMs, ctimeMs].join(' ');
      if (before?.identity === identity) return before;
      if (size > limits.countryDatabaseBytesMax)
        return { code: 'invalid-value', problem: `has ${size} bytes; at most ${limits.countryDatabaseBytesMax} are read` };
      return await this.#readImage(await readFile(path), { path, identity });
    } catch (error) {
      return { code: 'unreadable-file', problem: `cannot be read: ${explainReadError(error)}` };
    }
  }

  async #readImage(bytes: Buffer, file: Pick<KeptDatabase, 'path' | 'identity'>): Promise<KeptDatabase | Fault> {
    const { readCountries, UnusableDatabase } = await import('./country-database.ts');
    try {
      const ranges = await runInSlices(readCountries(bytes), this.#clock);
      if (ranges.length === 0) return { code: 'invalid-value', problem: 'names no country' };
      const writing = writeAddressRanges(ranges, (length) => new SharedArrayBuffer(length));
      return { ...file, image: await runInSlices(writing, this.#clock) };
    } catch (error) {
      if (error instanceof UnusableDatabase) return { code: 'invalid-value', problem: error.message };
      throw error;
    }
  }
}
