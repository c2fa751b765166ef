import type { DynamicTable } from './dynamic-table.ts';
import { staticIndexOf, staticNames, staticValues } from './static-table.ts';

/** Values of one name that are looked up: a handful of content types takes turns, ids never do. A power of two. */
const RECENT_COUNT = 4;
/** Values in a row that nobody asked for again, after which a name is taken for one whose values are always new. */
const DOUBT_MAX = 2;
/** Of the values of such a name every so many-th goes into the table, to see whether that has changed. */
const TRIAL_INTERVAL = 32;

/** RFC 7541 §7.1.3 names cookies and authorization; the rest are what applications call the same things. */
const secretNames = /authorization|authentication|cookie|credential|password|secret|session|token|api-?key/;

/** How an encoder has used a field name so far: where it stands in the tables, and whether its values are worth indexing. */
export class NameUse {
  readonly name: string;
  /** Its first index in the static table, or 0. */
  readonly staticIndex: number;
  readonly isSecret: boolean;
  /** Sequence numbers of the last entries with this name, a ring. */
  readonly #recent: number[] = new Array<number>(RECENT_COUNT).fill(0);
  #newest = 0;
  /** Values since the last one that was found in the table. */
  #doubt = 0;

  constructor(name: string) {
    this.staticIndex = staticIndexOf(name);
    // A slice of a head would keep all of it.
    this.name = this.staticIndex > 0 ? staticNames[this.staticIndex]! : copyText(name);
    this.isSecret = secretNames.test(name);
  }

  /** The index of name and value in either table, or 0. */
  find(value: string, table: DynamicTable): number {
    for (let i = 0; i < RECENT_COUNT; i++) {
      const sequence = this.#recent[(this.#newest - i) & (RECENT_COUNT - 1)]!;
      const index = table.indexOf(sequence);
      // The ones before it are gone too.
      if (index === 0) break;
      if (table.valueOf(sequence) === value) {
        this.#doubt = 0;
        return index;
      }
    }
    return this.#findStatic(value);
  }

  #findStatic(value: string): number {
    let index = this.staticIndex;
    if (index === 0) return 0;
    for (; staticNames[index] === this.name; index++) if (staticValues[index] === value) return index;
    return 0;
  }

  /** An index of the name alone, or 0. */
  findName(table: DynamicTable): number {
    return this.staticIndex > 0 ? this.staticIndex : table.indexOf(this.#recent[this.#newest]!);
  }

  /** Whether a value that was not found should go into the table. Of a name without an index one does, for the name. */
  isWorthIndexing(nameIndex: number): boolean {
    this.#doubt++;
    return this.#doubt <= DOUBT_MAX || this.#doubt % TRIAL_INTERVAL === 0 || nameIndex === 0;
  }

  addTo(table: DynamicTable, value: string): void {
    this.#newest = (this.#newest + 1) & (RECENT_COUNT - 1);
    this.#recent[this.#newest] = table.insert(this.name, copyText(value));
  }
}

/** The same text in memory of its own, as it goes over the wire. */
function copyText(text: string): string {
  return Buffer.from(text, 'latin1').latin1Slice();
}
