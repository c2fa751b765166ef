/** What an entry of a quota holds beside its count, in shared memory: for whom it is, as operators and the file on disk are told. */
import { COUNT_BUCKET_BYTES, KeyedCounts } from './keyed-counts.ts';
import { provideEntryMemory } from './keyed-entries.ts';

const ENTRY_WORDS = 64;

/** Words of an entry of a quota. */
const MAX = 4;
const NAME_LENGTH = 5;
const KEY_LENGTH = 6;
const TEXT = 8;
const WORD_BYTES = 4;
const NAME_LENGTH_MAX = 120;
const KEY_LENGTH_MAX = (ENTRY_WORDS - TEXT) * WORD_BYTES - NAME_LENGTH_MAX;
/** Of the count that keys share for which there is no room. */
export const SHARED_KEY = '(keys without room)';
const CHARACTER_MAX = 0xff;
const UNKNOWN_CHARACTER = 0x3f;

/** `seed`: what the hashes of keys are made with that were kept elsewhere. */
export function provideQuotaMemory(keysMax: number, seed?: readonly number[]): SharedArrayBuffer {
  return provideEntryMemory({ keysMax, entryWords: ENTRY_WORDS, bucketBytes: COUNT_BUCKET_BYTES, seed });
}

/** A thread that lives no more may have been giving an entry to a key. Called by the control thread. */
export function forgetQuotaThread(memory: SharedArrayBuffer, threadNumber: number): void {
  new KeyedCounts(memory, threadNumber).forgetThread();
}

export interface QuotaEntry {
  readonly low: number;
  readonly high: number;
  /** The second since 1970 at which its window ends. */
  readonly until: number;
  readonly used: number;
  /** As it was when it was last taken from. */
  readonly max: number;
  readonly name: string;
  /** Empty where operators may not see it. */
  readonly key: string;
}

export class QuotaEntries {
  readonly #counts: KeyedCounts;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(counts: KeyedCounts) {
    this.#counts = counts;
    this.#words = counts.entries.words;
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  /** Before anybody else sees the entry. */
  label(at: number, { name, key, max }: Pick<QuotaEntry, 'name' | 'key' | 'max'>): void {
    this.#words[at + MAX] = max;
    this.#words[at + NAME_LENGTH] = this.#write((at + TEXT) * WORD_BYTES, name, NAME_LENGTH_MAX);
    this.#words[at + KEY_LENGTH] = this.#write((at + TEXT) * WORD_BYTES + NAME_LENGTH_MAX, key, KEY_LENGTH_MAX);
  }

  setMax(at: number, max: number): void {
    if (this.#words[at + MAX] !== max) this.#words[at + MAX] = max;
  }

  /** `undefined`: it is nobody's, or is being given to somebody. */
  read(at: number): QuotaEntry | undefined {
    const words = this.#words;
    const counts = this.#counts;
    const until = counts.untilAt(at);
    const used = counts.countAt(at);
    if (until === 0 || used < 0) return undefined;
    const key = counts.entries.keyOf(at);
    const textAt = (at + TEXT) * WORD_BYTES;
    const shownName = this.#readText(textAt, words[at + NAME_LENGTH]!);
    const shownKey = this.#readText(textAt + NAME_LENGTH_MAX, words[at + KEY_LENGTH]!);
    const max = words[at + MAX]!;
    // Given to another key meanwhile: it will be noted as changed.
    if (!counts.entries.isOf(at, key) || counts.countAt(at) < 0) return undefined;
    return { ...key, until, used, max, name: shownName, key: shownKey };
  }

  #write(byteAt: number, text: string, lengthMax: number): number {
    const length = Math.min(text.length, lengthMax);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      this.#bytes[byteAt + i] = code > CHARACTER_MAX ? UNKNOWN_CHARACTER : code;
    }
    return length;
  }

  #readText(byteAt: number, length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#bytes[byteAt + i]!);
    return text;
  }
}
