/**
 * Answers as one thread has read them from the memory of all, so that reading them again costs nothing. Whether they still hold
 * is asked of that memory each time. Bounded in bytes; who was used since room was last needed is passed over once.
 */
import type { StoredAnswer } from '#base/answer-store.ts';

/** What an answer takes besides its texts and its body, and what a shelf does. */
const ANSWER_BYTES = 1_024;

/** The answers of one address and partition, the most recent first, as they were read. */
export interface NearShelf {
  readonly uri: string;
  readonly partition: string;
  readonly answers: readonly StoredAnswer[];
  /** Where each stands, and what stands there as long as it is one of these. */
  readonly slots: readonly number[];
  readonly tag: number;
  /** Where changes of the key are counted and how many there were; the same for its address, and the era. */
  readonly changesAt: number;
  readonly changes: number;
  readonly generationAt: number;
  readonly generation: number;
  readonly era: number;
  readonly bytes: number;
  wasUsed: boolean;
}

export class NearAnswers {
  readonly #bytesMax: number;
  /** Nearly always an address has one partition. */
  readonly #byUri = new Map<string, NearShelf | Map<string, NearShelf>>();
  /** In the order in which they are looked at when room is needed; the iterator bears that some come and go. */
  readonly #shelves = new Set<NearShelf>();
  #hand = this.#shelves.values();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(uri: string, partition: string): NearShelf | undefined {
    const found = this.#byUri.get(uri);
    if (found === undefined || found instanceof Map) return found?.get(partition);
    return found.partition === partition ? found : undefined;
  }

  /** In the place of what there is. One that is too long for this memory is not kept. */
  put(shelf: NearShelf): void {
    const { uri, partition, bytes } = shelf;
    const before = this.find(uri, partition);
    if (before !== undefined) this.remove(before);
    if (bytes > this.#bytesMax) return;
    this.#makeRoom(bytes);
    const found = this.#byUri.get(uri);
    if (found instanceof Map) found.set(partition, shelf);
    else if (found === undefined) this.#byUri.set(uri, shelf);
    else this.#byUri.set(uri, new Map([found, shelf].map((each) => [each.partition, each] as const)));
    this.#shelves.add(shelf);
    this.#bytes += bytes;
  }

  remove(shelf: NearShelf): void {
    if (!this.#shelves.delete(shelf)) return;
    this.#bytes -= shelf.bytes;
    const found = this.#byUri.get(shelf.uri);
    if (found instanceof Map) found.delete(shelf.partition);
    if (!(found instanceof Map) || found.size === 0) this.#byUri.delete(shelf.uri);
  }

  #makeRoom(bytes: number): void {
    while (this.#bytes + bytes > this.#bytesMax) {
      const { value: shelf, done } = this.#hand.next();
      // Whoever is spared is not used any more, so the second round ends this.
      if (done) this.#hand = this.#shelves.values();
      else if (!shelf.wasUsed) this.remove(shelf);
      else shelf.wasUsed = false;
    }
  }
}

/** `headBytes`: of the answers as they are kept by all. */
export function nearBytesOf(answers: readonly StoredAnswer[], headBytes: number): number {
  // Heads once as they are, and once as they are written for clients.
  let bytes = ANSWER_BYTES * (1 + answers.length) + 2 * headBytes;
  for (const { facts } of answers) bytes += facts.body.length;
  return bytes;
}
