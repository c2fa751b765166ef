import { DynamicTable, ENTRY_EXTRA_BYTES, TABLE_BYTES_DEFAULT } from './dynamic-table.ts';
import { encodeHuffman, huffmanBytesOf } from './huffman.ts';
import { NameUse } from './name-use.ts';
import {
  encodeInteger,
  huffmanText,
  indexed,
  neverIndexed,
  plainText,
  type Representation,
  sizeUpdate,
  withIndexing,
  withoutIndexing,
} from './representations.ts';
import { staticIndexOf, staticNames, staticValues } from './static-table.ts';

/** Bytes of the integers of one field: a representation, and the lengths of name and value. */
const FIELD_EXTRA_BYTES_MAX = 16;
/** Bytes that `beginBlock` writes at most: two size updates. */
export const BLOCK_START_BYTES_MAX = 6;

/** Names of which an encoder knows how they have been used; beyond this it forgets all of them and begins anew. */
const NAME_COUNT_MAX = 64;
/** A longer name is not remembered. It may say anything, so its values are treated as secrets. */
const NAME_CHARS_MAX = 64;
const longName = new NameUse('secret');
/** Of our table: a longer entry would push out nearly everything else. */
const ENTRY_SHARE_MAX = 0.75;

/** Where a text becomes bytes before it is known which form is shorter. Holds nothing between two calls, so that a thread needs one. */
const scratch = Buffer.allocUnsafeSlow(4096);

const STATUS_INDEX_MIN = staticIndexOf(':status');
/** The static index of a status that has one, otherwise 0. */
const statusIndexes = new Uint8Array(600);
for (let index = STATUS_INDEX_MIN; staticNames[index] === ':status'; index++) statusIndexes[Number(staticValues[index])] = index;

/** Upper bound of the bytes that a field can take, so that callers make room before they encode. */
export function encodedBytesMax(name: string, value: string): number {
  return name.length + value.length + FIELD_EXTRA_BYTES_MAX;
}

/**
 * Encodes the header blocks of one direction of a connection (RFC 7541): `beginBlock`, then its fields, all in the order in
 * which they are sent. The caller makes room first (`BLOCK_START_BYTES_MAX`, `encodedBytesMax`); each method returns where it
 * ended. Names are in lower case; names and values are latin1.
 *
 * What is indexed: everything that turns out to be repeated. A field whose text is in a table is one or two bytes. Otherwise
 * its value goes into the table, unless the last values of this name were never asked for again: then it is a literal without
 * indexing, its name indexed, and only every 32nd such value is tried. So a date that many answers share is indexed each
 * second, and a length or an id that is always another does not push out the rest. Never indexed are fields that hold a
 * secret by their names (RFC 7541 §7.1.3), so that nobody can guess at them, here or at the next hop.
 */
export class HpackEncoder {
  readonly #table = new DynamicTable();
  readonly #tableBytesMax: number;
  readonly #uses = new Map<string, NameUse>();
  /** What the peer has not been told yet: the smallest size since the last block, when there was a change (RFC 7541 §4.2). */
  #smallestPending = 0;
  #hasPending = false;

  /** Our own table has at most `tableBytesMax`, whatever the peer allows. */
  constructor(tableBytesMax: number = TABLE_BYTES_DEFAULT) {
    this.#tableBytesMax = Math.min(tableBytesMax, TABLE_BYTES_DEFAULT);
    this.#resize(this.#tableBytesMax);
  }

  /** Takes the peer's SETTINGS_HEADER_TABLE_SIZE; the next block begins with what has changed. */
  setTableBytesMax(bytes: number): void {
    this.#resize(Math.min(bytes, this.#tableBytesMax));
  }

  #resize(tableBytes: number): void {
    if (tableBytes === this.#table.bytesMax) return;
    this.#smallestPending = this.#hasPending ? Math.min(this.#smallestPending, tableBytes) : tableBytes;
    this.#hasPending = true;
    this.#table.resize(tableBytes);
  }

  /** To be called first for each block: writes pending changes of the table's size. */
  beginBlock(into: Buffer, at: number): number {
    if (!this.#hasPending) return at;
    this.#hasPending = false;
    const tableBytes = this.#table.bytesMax;
    const position = this.#smallestPending < tableBytes ? encodeInteger(this.#smallestPending, sizeUpdate, into, at) : at;
    return encodeInteger(tableBytes, sizeUpdate, into, position);
  }

  /** The pseudo-field `:status`, which takes as much room as a field of this name. */
  encodeStatus(status: number, into: Buffer, at: number): number {
    const index = statusIndexes[status] ?? 0;
    return index > 0 ? encodeInteger(index, indexed, into, at) : this.encodeField(':status', `${status}`, into, at);
  }

  /** The room that it takes is at most `encodedBytesMax`. */
  encodeField(name: string, value: string, into: Buffer, at: number): number {
    const use = this.#uses.get(name) ?? this.#meet(name);
    const index = use.isSecret ? 0 : use.find(value, this.#table);
    if (index > 0) return encodeInteger(index, indexed, into, at);
    const nameIndex = use.findName(this.#table);
    const representation = this.#chooseLiteral(use, nameIndex, name.length + value.length);
    let position = encodeInteger(nameIndex, representation, into, at);
    if (nameIndex === 0) position = encodeText(name, into, position);
    position = encodeText(value, into, position);
    if (representation === withIndexing) use.addTo(this.#table, value);
    return position;
  }

  #meet(name: string): NameUse {
    if (name.length > NAME_CHARS_MAX) return longName;
    if (this.#uses.size >= NAME_COUNT_MAX) this.#uses.clear();
    const use = new NameUse(name);
    this.#uses.set(use.name, use);
    return use;
  }

  #chooseLiteral(use: NameUse, nameIndex: number, textBytes: number): Representation {
    if (use.isSecret) return neverIndexed;
    if (textBytes + ENTRY_EXTRA_BYTES > this.#table.bytesMax * ENTRY_SHARE_MAX) return withoutIndexing;
    return use.isWorthIndexing(nameIndex) ? withIndexing : withoutIndexing;
  }
}

/** RFC 7541 §5.2, in the shorter of both forms. */
function encodeText(text: string, into: Buffer, at: number): number {
  const { length } = text;
  const bytes = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  bytes.latin1Write(text, 0);
  const huffmanBytes = huffmanBytesOf(bytes, length);
  if (huffmanBytes < length) return encodeHuffman(bytes, length, into, encodeInteger(huffmanBytes, huffmanText, into, at));
  const start = encodeInteger(length, plainText, into, at);
  return start + into.latin1Write(text, start);
}
