/** The files that a configuration names: read and checked before it is applied, and watched. */
import { resolve } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { FileWatcher } from '#sources/file/file-watcher.ts';
import { findAggregateMistakes } from './aggregate-documents.ts';
import { findFunctionMistakes } from './compose-functions.ts';
import { listNamedFiles, needsReading, noFiles } from './named-files.ts';
import type { NamedFileReader, NamedFilesReading } from './read-named-files.ts';
import { findFolderMistakes } from './served-folders.ts';

export interface FileSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tells when a file has changed. */
  readonly watches: boolean;
  onChange(): void;
}

export class FileSide {
  readonly #options: FileSideOptions;
  #watcher: FileWatcher | undefined;
  #watched: readonly string[] = [];
  #reader: NamedFileReader | undefined;

  constructor(options: FileSideOptions) {
    this.#options = options;
  }

  /** Watches this file, which is about to be loaded for the first time. */
  watchFirst(file: string): Promise<void> {
    return this.#watchThese([resolve(file)]);
  }

  /** Watches these files, and those that a configuration names. */
  watch(files: readonly string[], configuration: Configuration): Promise<void> {
    return this.#watchThese([...files, ...listNamedFiles(configuration)]);
  }

  /** What the files are now is about to be loaded. */
  async mark(): Promise<void> {
    await this.#watcher?.mark();
  }

  /** What data threads need of them, or what is wrong with them. */
  async read(configuration: Configuration): Promise<NamedFilesReading> {
    const mistakes = [
      ...(await findFolderMistakes(configuration)),
      ...(await findFunctionMistakes(configuration)),
      ...(await findAggregateMistakes(configuration)),
    ];
    if (mistakes.length > 0) return { findings: mistakes };
    if (!needsReading(configuration)) return { files: noFiles };
    const { NamedFileReader } = await import('./read-named-files.ts');
    this.#reader ??= new NamedFileReader(this.#options);
    const reading = await this.#reader.read(configuration, this.#options.clock.wallMs());
    if (this.#reader.furtherFiles.length > 0) await this.#watchAll();
    return reading;
  }

  /** Watches no more. */
  stop(): void {
    this.#watcher?.stop();
    this.#watcher = undefined;
  }

  async #watchThese(files: readonly string[]): Promise<void> {
    if (!this.#options.watches) return;
    this.#watcher ??= new FileWatcher(() => this.#options.onChange());
    this.#watched = files;
    await this.#watchAll();
  }

  /** Documents tell only when they are read what they refer to. */
  async #watchAll(): Promise<void> {
    await this.#watcher?.watch([...new Set([...this.#watched, ...(this.#reader?.furtherFiles ?? [])])]);
  }
}
