/**
 * What a thread has lately seen of files: the contents of short ones, and which are not there. For a while that counts as if it had been looked
 * for again, because each look costs several trips to other threads, about ten times what the rest of an answer does.
 */
import { limits } from '#base/limits.ts';
import type { Opening } from './opening.ts';

/** Of an entry, beside its name and content. */
const ENTRY_BYTES = 256;

interface Entry {
  readonly seen: Opening;
  readonly bytes: number;
  lookedAtMs: number;
}

export class FileMemory {
  /** In the order in which they were looked at. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** `undefined`: it has to be looked for. Until that is done, others are given what was seen before. */
  find(name: string, { nowMs, keptMs }: { readonly nowMs: number; readonly keptMs: number }): Opening | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (nowMs - entry.lookedAtMs < keptMs) return entry.seen;
    entry.lookedAtMs = nowMs;
    return undefined;
  }

  /** Whoever was seen longest ago makes room. */
  keep(name: string, seen: Opening, nowMs: number): void {
    this.forget(name);
    const bytes = ENTRY_BYTES + 2 * name.length + ('content' in seen ? (seen.content?.length ?? 0) : 0);
    this.#entries.set(name, { seen, bytes, lookedAtMs: nowMs });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= limits.fileMemoryBytesMax) return;
      this.forget(oldest);
    }
  }

  forget(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(name);
  }
}
