/** A store that another thread keeps, which is asked by messages. */
import type { MessagePort } from 'node:worker_threads';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import type { MemoryStore } from './memory-store.ts';

/** How long a request waits. The other thread does little else, but what it does may take a while. */
const PATIENCE_MS = 1_000;

type Demand =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'set' | 'add'; readonly key: string; readonly value: Uint8Array | string; readonly ttlMs: number }
  | { readonly kind: 'delete'; readonly key: string };

type Value = Uint8Array | boolean | undefined;

interface Question {
  readonly id: number;
  readonly demand: Demand;
}

interface Answer {
  readonly id: number;
  readonly value?: Value;
  /** Why nothing was done. */
  readonly failure?: string;
}

interface Waiting {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: StoreFailed) => void;
  readonly stopWaiting: () => void;
}

/** Runs something once when the time has passed; what is returned calls it off. */
type Later = (delayMs: number, run: () => void) => () => void;

export class AskedStore implements KeyValueStore {
  readonly #port: MessagePort;
  readonly #later: Later;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isGone = false;

  /** The other end belongs to `answerQuestions`. */
  constructor(port: MessagePort, later: Later) {
    this.#port = port;
    this.#later = later;
    port.on('message', (answer: Answer) => this.#onAnswer(answer));
    port.on('close', () => this.#onClose());
    port.unref();
  }

  async get(key: string): Promise<Buffer | undefined> {
    const value = await this.#ask({ kind: 'get', key });
    return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : undefined;
  }

  async set(key: string, value: Buffer | string, ttlMs: number): Promise<void> {
    await this.#ask({ kind: 'set', key, value: toMessageValue(value), ttlMs });
  }

  async add(key: string, value: Buffer | string, ttlMs: number): Promise<boolean> {
    return (await this.#ask({ kind: 'add', key, value: toMessageValue(value), ttlMs })) === true;
  }

  async delete(key: string): Promise<void> {
    await this.#ask({ kind: 'delete', key });
  }

  #ask(demand: Demand): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#isGone) return reject(new StoreFailed('the store is gone'));
      if (this.#waiting.size >= limits.storeCommandsMax) return reject(new StoreFailed('the store is asked too much'));
      this.#lastId += 1;
      const id = this.#lastId;
      const stopWaiting = this.#later(PATIENCE_MS, () => this.#fail(id, 'the store did not answer in time'));
      this.#waiting.set(id, { resolve, reject, stopWaiting });
      this.#port.postMessage({ id, demand } satisfies Question);
    });
  }

  #onAnswer({ id, value, failure }: Answer): void {
    if (failure === undefined) this.#take(id)?.resolve(value);
    else this.#fail(id, failure);
  }

  #onClose(): void {
    this.#isGone = true;
    for (const id of this.#waiting.keys()) this.#fail(id, 'the store is gone');
  }

  #fail(id: number, reason: string): void {
    this.#take(id)?.reject(new StoreFailed(reason));
  }

  /** `undefined`: it has been waited for too long. */
  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.stopWaiting();
    return waiting;
  }
}

/** A message takes along all of the memory that a view is of. */
function toMessageValue(value: Buffer | string): Uint8Array | string {
  return typeof value === 'string' ? value : new Uint8Array(value);
}

/** Answers what the thread at the other end asks, until that ends. */
export function answerQuestions(port: MessagePort, store: Promise<MemoryStore>): void {
  port.on('message', async ({ id, demand }: Question) => {
    port.postMessage(await answer(id, demand, await store));
  });
  port.unref();
}

async function answer(id: number, demand: Demand, store: MemoryStore): Promise<Answer> {
  try {
    return { id, value: await perform(demand, store) };
  } catch (error) {
    if (error instanceof StoreFailed) return { id, failure: error.message };
    throw error;
  }
}

async function perform(demand: Demand, store: MemoryStore): Promise<Value> {
  switch (demand.kind) {
    case 'get':
      return store.find(demand.key);
    case 'set':
      await store.set(demand.key, demand.value, demand.ttlMs);
      return undefined;
    case 'add':
      return store.add(demand.key, demand.value, demand.ttlMs);
    case 'delete':
      await store.delete(demand.key);
      return undefined;
    default:
      return demand satisfies never;
  }
}
