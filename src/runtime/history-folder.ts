/** Configurations that have run, as files of a folder: one for each, which only the user of the process may read. */
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { configurationSources } from '#admin/configuration-administration.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import type { HistoryEntry } from './applied-configuration.ts';

const FILE_NAME = /^[0-9a-f]{64}\.json$/;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Of what stands around the text, and of its escapes. */
const FILE_BYTES_FACTOR = 2;

const storedEntry = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  version: z.int().min(1),
  appliedMs: z.number(),
  origin: z.object({ source: z.enum(configurationSources), by: z.string() }),
  isMade: z.boolean(),
  lines: z.object({ added: z.int(), removed: z.int() }),
  traffic: z.object({ requests: z.number(), errors: z.number(), p95Ms: z.number() }).optional(),
  text: z.string(),
});

export class HistoryFolder {
  readonly path: string;
  readonly #logger: Logger;

  constructor(path: string, logger: Logger) {
    this.path = path;
    this.#logger = logger;
  }

  /** What is no entry is left alone, and told. */
  async read(): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    try {
      await mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
      const names = (await readdir(this.path)).filter((name) => FILE_NAME.test(name));
      for (const name of names) {
        const entry = await this.#readEntry(name);
        if (entry !== undefined) entries.push(entry);
      }
    } catch (error) {
      this.#logger.log('error', 'kept configurations cannot be read', { folder: this.path, error });
    }
    return entries;
  }

  /** Whatever goes wrong with it, the gateway serves. */
  async write(entry: HistoryEntry): Promise<void> {
    const file = this.#fileOf(entry.hash);
    const part = `${file}.part`;
    try {
      await writeFile(part, JSON.stringify(entry), { mode: FILE_MODE });
      // One that was left behind keeps the mode that it has.
      await chmod(part, FILE_MODE);
      await rename(part, file);
    } catch (error) {
      this.#logger.log('error', 'the configuration cannot be kept', { file, error });
    }
  }

  async remove(hash: string): Promise<void> {
    await rm(this.#fileOf(hash), { force: true }).catch((error: unknown) =>
      this.#logger.log('error', 'a kept configuration cannot be removed', { folder: this.path, error }),
    );
  }

  #fileOf(hash: string): string {
    return join(this.path, `${hash}.json`);
  }

  async #readEntry(name: string): Promise<HistoryEntry | undefined> {
    const file = join(this.path, name);
    try {
      const { size } = await stat(file);
      if (size > limits.historyBytesMax * FILE_BYTES_FACTOR) throw new RangeError('the file is too large');
      const entry = storedEntry.parse(JSON.parse(await readFile(file, 'utf8')));
      if (name !== `${entry.hash}.json`) throw new RangeError('the file has the name of another configuration');
      return entry;
    } catch (error) {
      this.#logger.log('warn', 'a kept configuration cannot be read', { file, error });
      return undefined;
    }
  }
}
