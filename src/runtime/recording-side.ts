/** What is recorded: by the configuration into files, and for operators for as long as they want. Tells the threads, and writes down what they tell. */

import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CredentialNames } from '#http/secret-names.ts';
import type { RecordingFile } from '#telemetry/recording/recording-file.ts';
import type { RecordingRules } from '#telemetry/recording/recording-rules.ts';
import type { ObservingOrder } from './observing-messages.ts';
import { RecordingCounts } from './recording-counts.ts';
import type { AskedRules, RecordedLine } from './recording-messages.ts';

export interface RecordingSideOptions {
  readonly logger: Logger;
  /** Tells all threads. */
  observe(order: ObservingOrder): void;
}

/** Takes a line: it is with whoever wants it, it is on its way there, or it cannot be taken. */
export type LineTaker = (line: string) => 'taken' | 'waits' | 'refused';

const KEY_BYTES = 32;

export class RecordingSide {
  readonly #options: RecordingSideOptions;
  readonly #counts = new RecordingCounts();
  readonly #ownKey = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  readonly #running = new Map<number, { readonly asked: AskedRules; readonly take: LineTaker }>();
  #nextId = 1;
  #key: Uint8Array = this.#ownKey;
  #definition = '';
  #fileId: number | undefined;
  #file: RecordingFile | undefined;
  #names: CredentialNames = { fields: [], parameters: [] };

  constructor(options: RecordingSideOptions) {
    this.#options = options;
  }

  get metricsText(): string {
    return this.#definition === '' && this.#nextId === 1 ? '' : this.#counts.metricsText;
  }

  get hasRoom(): boolean {
    return this.#running.size < limits.recordingsMax;
  }

  /** A configuration is the present one. `names`: whose values are not recorded. */
  async follow({ recording }: Pick<Configuration, 'recording'>, names: CredentialNames): Promise<void> {
    this.#names = names;
    if (recording === undefined && this.#running.size === 0) return;
    this.#key = recording?.redact.key === undefined ? this.#ownKey : Buffer.from(recording.redact.key.reveal());
    if (recording === undefined) {
      this.#definition = '';
      await this.#endFile();
      return this.#tellThreads();
    }
    const definition = JSON.stringify(recording);
    if (definition === this.#definition) return this.#tellThreads();
    this.#definition = definition;
    const before = this.#fileId;
    const { toAskedRules } = await import('./recording-rules-of.ts');
    await this.#openFile(recording.to);
    this.#fileId = await this.start(toAskedRules(recording), (line) => (this.#file?.write(line) === true ? 'waits' : 'refused'));
    if (before !== undefined) this.end(before);
  }

  /** Returns by what it is ended. */
  async start(asked: AskedRules, take: LineTaker): Promise<number> {
    const id = this.#nextId++;
    this.#running.set(id, { asked, take });
    this.#tellThreads();
    return id;
  }

  end(id: number): void {
    if (this.#running.delete(id)) this.#tellThreads();
  }

  /** From a thread. */
  take({ id, line, bytes }: RecordedLine): void {
    const outcome = this.#running.get(id)?.take(line);
    if (outcome === 'waits') return;
    if (outcome === 'refused') this.#counts.add('slow');
    if (outcome === 'taken') this.#counts.add('recorded');
    this.#counts.add('pendingBytes', -bytes);
  }

  async stop(): Promise<void> {
    if (this.#running.size > 0) {
      this.#running.clear();
      this.#tellThreads();
    }
    this.#definition = '';
    await this.#endFile();
  }

  /** All that run are without what the present configuration says of where credentials stand. */
  #tellThreads(): void {
    const { fields, parameters } = this.#names;
    const recordings = [...this.#running].map(([id, { asked }]): RecordingRules => {
      const { redaction } = asked;
      return {
        ...asked,
        id,
        redaction: {
          ...redaction,
          key: this.#key,
          fields: [...redaction.fields, ...fields],
          parameters: [...redaction.parameters, ...parameters],
        },
      };
    });
    this.#options.observe({ kind: 'recordings', recordings, counts: this.#counts.memory });
  }

  async #openFile({ file, maxBytes, keep }: NonNullable<Configuration['recording']>['to']): Promise<void> {
    await this.#file?.close();
    const { RecordingFile } = await import('#telemetry/recording/recording-file.ts');
    this.#file = new RecordingFile({
      file,
      bytesMax: maxBytes,
      filesMax: keep,
      onError: (error) => this.#options.logger.log('error', 'recording cannot be written', { file, error }),
      onDone: ({ bytes, isWritten }) => {
        this.#counts.add('pendingBytes', -bytes);
        this.#counts.add(isWritten ? 'recorded' : 'failed');
      },
    });
  }

  async #endFile(): Promise<void> {
    const id = this.#fileId;
    this.#fileId = undefined;
    if (id !== undefined) this.end(id);
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
