/** Endpoints that a file lists, YAML or JSON. The file is watched; while it has a mistake, the endpoints before stay. */
import { readFile, stat } from 'node:fs/promises';
import { limits } from '#base/limits.ts';
import type { DiscoveryConfiguration } from '#config/configuration.ts';
import { type EndpointListReading, readEndpointList } from '#config/endpoint-file.ts';
import type { Issue } from '#config/issue.ts';
import { formatPath } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';
import type { EndpointSource, EndpointSourceMeans } from '#services/endpoint-source.ts';
import { FileWatcher } from './file-watcher.ts';

export type FileSettings = Extract<DiscoveryConfiguration, { kind: 'file' }>;

export class FileEndpoints implements EndpointSource {
  readonly #file: string;
  readonly #means: EndpointSourceMeans;
  readonly #watcher: FileWatcher;
  #isStopped = false;
  /** One reading is done after the other, so that the last one counts. */
  #last: Promise<void> = Promise.resolve();

  constructor({ file }: FileSettings, means: EndpointSourceMeans) {
    this.#file = file;
    this.#means = means;
    this.#watcher = new FileWatcher(() => this.#readNext(), { isEager: true });
  }

  start(): void {
    // Watched before it is read, so that no change is missed.
    void this.#watcher.watch([this.#file]).then(() => this.#readNext());
  }

  stop(): void {
    this.#isStopped = true;
    this.#watcher.stop();
  }

  #readNext(): void {
    this.#last = this.#last.then(() => this.#read());
  }

  async #read(): Promise<void> {
    const { logger, service } = this.#means;
    const reading = await this.#readFile();
    if (this.#isStopped) return;
    if (reading.endpoints !== undefined) return this.#means.onEndpoints(reading.endpoints);
    for (const { file, line, column, path, message } of reading.issues) {
      const issue = path.length === 0 ? message : `${formatPath(path)}: ${message}`;
      logger.log('error', 'endpoints refused', { service, source: 'file', file, line, column, issue });
    }
    this.#means.onFailed();
  }

  async #readFile(): Promise<EndpointListReading> {
    try {
      const { size } = await stat(this.#file);
      if (size > limits.discoveryBytesMax)
        return this.#refuse(`the file is too large; at most ${limits.discoveryBytesMax} bytes`);
      return readEndpointList(this.#file, await readFile(this.#file, 'utf8'));
    } catch (error) {
      return this.#refuse(`the file cannot be read: ${explainReadError(error)}`);
    }
  }

  #refuse(message: string): EndpointListReading {
    const issue: Issue = {
      path: [],
      code: 'unreadable-file',
      severity: 'error',
      message,
      file: this.#file,
      line: undefined,
      column: undefined,
    };
    return { endpoints: undefined, issues: [issue] };
  }
}
