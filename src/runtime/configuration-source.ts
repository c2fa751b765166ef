/**
 * Where the configuration comes from: the file, until an operator brings another one by the admin API. That one counts until the
 * file changes, or is asked to be loaded again; meanwhile, changes of what it names itself are taken over.
 */
import type { LoadedConfiguration } from '#config/load.ts';
import type { ConfigurationOrigin } from './applied-configuration.ts';

export interface ConfigurationSourceOptions {
  /** From wherever it comes. */
  load(): Promise<LoadedConfiguration>;
  /** A text that stands for the file. Without it, nothing can be brought. */
  loadText?: ((text: string) => Promise<LoadedConfiguration>) | undefined;
}

/** What was loaded and is to be applied. Then `commit` is called, or not. */
export interface SourcedConfiguration {
  readonly loaded: LoadedConfiguration;
  readonly origin: ConfigurationOrigin;
  /** What an operator has brought. */
  readonly brought: string | undefined;
  /** Of the file, when it was read. */
  readonly fileText: string | undefined;
  /** To be watched. */
  readonly files: readonly string[];
}

export class ConfigurationSource {
  readonly #options: ConfigurationSourceOptions;
  #brought: { readonly text: string; readonly origin: ConfigurationOrigin } | undefined;
  /** What the file said when it was taken the last time, or read while something else counted. */
  #fileText: string | undefined;
  /** The file, and what it names. */
  #files: readonly string[] = [];

  constructor(options: ConfigurationSourceOptions) {
    this.#options = options;
  }

  get canBring(): boolean {
    return this.#options.loadText !== undefined;
  }

  /** At the start, and when the file is asked for or has changed. `isAsked`: the file counts, whether it has changed or not. */
  async load(source: 'file' | 'reload', { isAsked }: { readonly isAsked: boolean }): Promise<SourcedConfiguration> {
    const loaded = await this.#options.load();
    const fileText = toText(loaded);
    this.#files = loaded.files;
    const brought = this.#brought;
    if (brought !== undefined && !isAsked && fileText === this.#fileText) return this.bring(brought.text, brought.origin);
    return { loaded, origin: { source, by: 'file' }, brought: undefined, fileText, files: loaded.files };
  }

  /** What an operator brings. */
  async bring(text: string, origin: ConfigurationOrigin): Promise<SourcedConfiguration> {
    const loaded = await this.#options.loadText!(text);
    // The file is watched further: when it changes, it counts again.
    const files = [...new Set([...this.#files, ...loaded.files])];
    return { loaded, origin, brought: text, fileText: this.#fileText, files };
  }

  /** Says what a text would be as the configuration. */
  async read(text: string): Promise<LoadedConfiguration> {
    return this.#options.loadText!(text);
  }

  /** It was applied. */
  commit({ brought, origin, fileText }: SourcedConfiguration): void {
    this.#brought = brought === undefined ? undefined : { text: brought, origin };
    this.#fileText = fileText;
  }
}

/** What was written, as a text that can be loaded again. */
export function toText({ written }: Pick<LoadedConfiguration, 'written'>): string {
  return written.text ?? JSON.stringify(written.value, undefined, 2) ?? '';
}
