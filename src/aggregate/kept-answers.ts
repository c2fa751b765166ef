/**
 * Good answers of calls that are given again: soon to the same question, or later in the place of one that fails. One thread keeps
 * them, within so many bytes; the ones that nobody has used for longest make way.
 */
import type { JsonDocument } from '#wire/json/json-document.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: Buffer;
  /** Where nobody looks into the body, there is none. */
  readonly document: JsonDocument | undefined;
  /** Monotonic. */
  readonly atMs: number;
}

/** What an entry needs besides its body. */
const ENTRY_BYTES = 512;
/** Of one number that says where a value is. */
const INDEX_NUMBER_BYTES = 8;

export class KeptAnswers {
  readonly #bytesMax: number;
  /** In the order in which they were used. */
  readonly #entries = new Map<string, KeptAnswer>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** One that is at most `ageMsMax` old. */
  find(key: string, nowMs: number, ageMsMax: number): KeptAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs - entry.atMs > ageMsMax) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Larger ones than there is room for are not kept. */
  keep(key: string, answer: KeptAnswer): void {
    this.#forget(key);
    const bytes = sizeOf(key, answer);
    if (bytes > this.#bytesMax) return;
    this.#entries.set(key, answer);
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, entry);
  }
}

function sizeOf(key: string, { fields, body, document }: KeptAnswer): number {
  let bytes = ENTRY_BYTES + key.length + body.length + (document?.index.length ?? 0) * INDEX_NUMBER_BYTES;
  for (const text of fields) bytes += text.length;
  return bytes;
}
