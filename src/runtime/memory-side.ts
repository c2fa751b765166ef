/** What is kept in the memory of the process for all of its threads. What does it is loaded when something is first kept. */
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { MemoryStore } from '#stores/memory/memory-store.ts';

export interface MemorySideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class MemorySide {
  readonly #options: MemorySideOptions;
  #bytesMax = 0;
  #store: Promise<MemoryStore> | undefined;

  constructor(options: MemorySideOptions) {
    this.#options = options;
  }

  /** What is in it stays, also when it is more than this configuration allows. */
  follow({ stores }: Configuration): void {
    this.#bytesMax = stores.memory.size;
    void this.#store?.then((store) => {
      store.bytesMax = this.#bytesMax;
    });
  }

  open(): Promise<MemoryStore> {
    this.#store ??= this.#make();
    return this.#store;
  }

  /** Answers a data thread until it ends. */
  serve(port: MessagePort): void {
    void import('#stores/memory/asked-store.ts').then(({ answerQuestions }) => answerQuestions(port, this.open()));
  }

  /** Nobody serves any more. */
  forget(): void {
    this.#store = undefined;
  }

  async #make(): Promise<MemoryStore> {
    const { MemoryStore } = await import('#stores/memory/memory-store.ts');
    return new MemoryStore(this.#bytesMax, this.#options);
  }
}
