import { DYNAMIC_INDEX_MIN } from './static-table.ts';

/** RFC 9113 §6.5.2: how large a table is until something else has been said. */
export const TABLE_BYTES_DEFAULT = 4096;
/** RFC 7541 §4.1: what an entry counts besides its name and value. */
export const ENTRY_EXTRA_BYTES = 32;

/** Slots of a new table. Most connections never need more, and there are many of them. */
const SLOT_COUNT_MIN = 16;

/**
 * The dynamic table of one direction of a connection (RFC 7541 §2.3.2): a ring that grows up to what its bytes allow. Texts are
 * latin1, so that characters are bytes. Each entry has a sequence number for life, counted from 1; its index changes with every
 * insertion.
 */
export class DynamicTable {
  /** Name and value of each slot in turn. */
  #texts: string[] = new Array<string>(2 * SLOT_COUNT_MIN).fill('');
  #slotMask = SLOT_COUNT_MIN - 1;
  #bytes = 0;
  #bytesMax = TABLE_BYTES_DEFAULT;
  #count = 0;
  #lastSequence = 0;

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Where the name of an entry stands for `textAt`, its value being next; -1 when no entry has this index. */
  placeOf(index: number): number {
    const age = index - DYNAMIC_INDEX_MIN;
    return age >= 0 && age < this.#count ? ((this.#lastSequence - age) & this.#slotMask) << 1 : -1;
  }

  textAt(place: number): string {
    return this.#texts[place]!;
  }

  /** The index of an entry, or 0 when it is no longer there. */
  indexOf(sequence: number): number {
    const age = this.#lastSequence - sequence;
    return age < this.#count ? DYNAMIC_INDEX_MIN + age : 0;
  }

  valueOf(sequence: number): string {
    return this.#texts[((sequence & this.#slotMask) << 1) + 1]!;
  }

  /** Returns the entry's sequence number, or 0: one that is larger than the table only empties it (RFC 7541 §4.4). */
  insert(name: string, value: string): number {
    const bytes = name.length + value.length + ENTRY_EXTRA_BYTES;
    this.#evictTo(this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return 0;
    if (this.#count > this.#slotMask) this.#grow();
    const sequence = ++this.#lastSequence;
    const place = (sequence & this.#slotMask) << 1;
    this.#texts[place] = name;
    this.#texts[place + 1] = value;
    this.#count++;
    this.#bytes += bytes;
    return sequence;
  }

  /** RFC 7541 §4.3. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  #evictTo(bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#count > 0) {
      const place = ((this.#lastSequence - --this.#count) & this.#slotMask) << 1;
      this.#bytes -= this.#texts[place]!.length + this.#texts[place + 1]!.length + ENTRY_EXTRA_BYTES;
      // An entry that is gone must not keep its texts: all slots together would hold many times the bytes of the table.
      this.#texts[place] = '';
      this.#texts[place + 1] = '';
    }
  }

  /** At most to one slot for every 32 bytes, because no entry counts less. */
  #grow(): void {
    const slotCount = 2 * (this.#slotMask + 1);
    const texts = new Array<string>(2 * slotCount).fill('');
    for (let age = 0; age < this.#count; age++) {
      const sequence = this.#lastSequence - age;
      const from = (sequence & this.#slotMask) << 1;
      const to = (sequence & (slotCount - 1)) << 1;
      texts[to] = this.#texts[from]!;
      texts[to + 1] = this.#texts[from + 1]!;
    }
    this.#texts = texts;
    this.#slotMask = slotCount - 1;
  }
}
