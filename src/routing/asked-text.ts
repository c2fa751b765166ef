/**
 * The host or path of a request as bytes, hashed and compared with keys of an image four bytes at a time. Writing it out as a
 * whole costs less than looking at the characters of a string one by one, which may be a part of another string, and less
 * than cutting segments out of it and hashing those for a `Map` (`bench/routing.ts`). Nothing is made for a request.
 */
import { beginHash, finishHash, hashWord } from './route-image.ts';

/** Room for usual hosts and paths. A longer one makes it grow; those of clients are limited (`limits.targetBytesMax`). */
const FIRST_BYTES = 1024;
/** A character of a string is at most as many bytes in UTF-8. */
const CHARACTER_BYTES_MAX = 3;
/** Bytes behind the text that are read with its last ones. */
const BEHIND_BYTES = 4;

export class AskedText {
  /** In bytes. Keys are ASCII, and no byte of another character can be mistaken for one. */
  length = 0;
  #bytes = Buffer.alloc(FIRST_BYTES);
  #view = toView(this.#bytes);

  set(text: string): void {
    if (text.length * CHARACTER_BYTES_MAX + BEHIND_BYTES > this.#bytes.length) this.#grow(text.length);
    this.length = this.#bytes.write(text);
  }

  /** Where the first such byte from there on is; the end when there is none. */
  find(byte: number, from: number): number {
    const bytes = this.#bytes;
    const { length } = this;
    let at = from;
    while (at < length && bytes[at] !== byte) at += 1;
    return at;
  }

  hash(from: number, to: number, seed: number): number {
    const view = this.#view;
    let hash = beginHash(seed, to - from);
    let at = from;
    for (; at + 4 <= to; at += 4) hash = hashWord(hash, view.getInt32(at, true));
    if (at < to) hash = hashWord(hash, view.getInt32(at, true) & maskOf(to - at));
    return finishHash(hash);
  }

  isKey(words: Int32Array, key: number, from: number, to: number): boolean {
    if (words[key] !== to - from) return false;
    const view = this.#view;
    let word = key + 1;
    let at = from;
    for (; at + 4 <= to; at += 4, word += 1) if (words[word] !== view.getInt32(at, true)) return false;
    return at === to || words[word] === (view.getInt32(at, true) & maskOf(to - at));
  }

  #grow(characters: number): void {
    this.#bytes = Buffer.alloc(characters * CHARACTER_BYTES_MAX + BEHIND_BYTES);
    this.#view = toView(this.#bytes);
  }
}

/** The lowest bytes of a word. */
function maskOf(bytes: number): number {
  return (1 << (bytes * 8)) - 1;
}

function toView(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
