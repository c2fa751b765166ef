import { DynamicTable, ENTRY_EXTRA_BYTES } from './dynamic-table.ts';
import { decodedBytesMax, decodeHuffman } from './huffman.ts';
import { huffmanText, indexed, plainText, sizeUpdate, withIndexing, withoutIndexing } from './representations.ts';
import { DYNAMIC_INDEX_MIN, staticNames, staticValues } from './static-table.ts';

/** `too-large`: more than a limit allows, the connection may go on. `malformed`: a COMPRESSION_ERROR, the connection must end. */
export type HpackOutcome = 'ok' | 'too-large' | 'malformed';

export interface HpackDecoderLimits {
  /** What our SETTINGS_HEADER_TABLE_SIZE says. */
  readonly tableBytesMax: number;
  /** Bytes of a field list, uncompressed, with 32 added for each field (RFC 9113 §6.5.2). */
  readonly listBytesMax: number;
  readonly fieldCountMax: number;
}

/**
 * Bytes of an integer after the one with its prefix. RFC 7541 §5.1: longer ones are errors, zeros that lead included. Four
 * carry 28 bits, more than any index, length or table of ours has.
 */
const CONTINUATION_BYTES_MAX = 4;

/** An index from here on takes more than one byte. */
const ONE_BYTE_END = indexed.pattern + indexed.prefixMax;

/** Where the Huffman code is undone before it becomes a text. Holds nothing between two calls, so that a thread needs one. */
const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes the header blocks of one direction of a connection (RFC 7541), each as a whole and all of them in order. All input
 * is attacker-controlled; which names and values may stand in a message is for the caller to say. What a block costs grows
 * with its bytes, which the caller limits.
 *
 * The table has 4096 bytes until the peer changes that, whatever our settings say: a peer may encode before it has read them,
 * and says when it follows them (RFC 7541 §4.2).
 */
export class HpackDecoder {
  readonly #limits: HpackDecoderLimits;
  readonly #table = new DynamicTable();
  /** How far the block has been read, and the field that has been read last. */
  #position = 0;
  #name = '';
  #value = '';

  constructor(limits: HpackDecoderLimits) {
    this.#limits = limits;
  }

  /**
   * Decodes the block bytes[start..end) and appends names and values in turn, as latin1, to `fields`. From the first field
   * beyond a limit on nothing is appended, and the table stays in step with the peer's. After `malformed` it does not.
   */
  decode(bytes: Buffer, start: number, end: number, fields: string[]): HpackOutcome {
    const { listBytesMax, fieldCountMax } = this.#limits;
    let listBytes = 0;
    let fieldCount = 0;
    const table = this.#table;
    let position = this.#readSizeUpdates(bytes, start, end);
    if (position < 0) return 'malformed';
    while (position < end) {
      const first = bytes[position]!;
      let name: string;
      let value: string;
      // Most fields are an index of one byte; read here, a block of them costs half as much (bench/hpack.ts).
      if (first > indexed.pattern && first < ONE_BYTE_END) {
        const index = first - indexed.pattern;
        position++;
        if (index < DYNAMIC_INDEX_MIN) {
          name = staticNames[index]!;
          value = staticValues[index]!;
        } else {
          const place = table.placeOf(index);
          if (place < 0) return 'malformed';
          name = table.textAt(place);
          value = table.textAt(place + 1);
        }
      } else {
        position = this.#readField(bytes, position, end);
        if (position < 0) return 'malformed';
        name = this.#name;
        value = this.#value;
      }
      fieldCount++;
      listBytes += name.length + value.length + ENTRY_EXTRA_BYTES;
      if (listBytes <= listBytesMax && fieldCount <= fieldCountMax) fields.push(name, value);
    }
    // A connection that waits must not keep the last field of its last block, however long that is.
    this.#name = '';
    this.#value = '';
    return listBytes <= listBytesMax && fieldCount <= fieldCountMax ? 'ok' : 'too-large';
  }

  /** RFC 7541 §4.2: they stand at the beginning of a block, and none exceeds what we have allowed. */
  #readSizeUpdates(bytes: Buffer, start: number, end: number): number {
    if (start >= end || !isSizeUpdate(bytes[start]!)) return start;
    this.#position = start;
    while (this.#position < end && isSizeUpdate(bytes[this.#position]!)) {
      const tableBytes = this.#readInteger(bytes, end, sizeUpdate.prefixMax);
      if (tableBytes < 0 || tableBytes > this.#limits.tableBytesMax) return -1;
      this.#table.resize(tableBytes);
    }
    return this.#position;
  }

  /** Reads one field into `#name` and `#value`. Returns where it ended, or -1 when it is malformed. */
  #readField(bytes: Buffer, start: number, end: number): number {
    this.#position = start;
    const first = bytes[start]!;
    const isWellFormed = first >= indexed.pattern ? this.#readIndexed(bytes, end) : this.#readLiteral(bytes, end, first);
    return isWellFormed ? this.#position : -1;
  }

  #readIndexed(bytes: Buffer, end: number): boolean {
    const index = this.#readInteger(bytes, end, indexed.prefixMax);
    // Those of the static table have been read without this call, except for index 0, which no entry has (RFC 7541 §6.1).
    const place = this.#table.placeOf(index);
    if (place < 0) return false;
    this.#name = this.#table.textAt(place);
    this.#value = this.#table.textAt(place + 1);
    return true;
  }

  /** RFC 7541 §6.2: a name by its index, or as a text after index 0, and a value as a text. */
  #readLiteral(bytes: Buffer, end: number, first: number): boolean {
    // RFC 7541 §4.2: behind a field the table's size does not change.
    if (isSizeUpdate(first)) return false;
    const isIndexing = first >= withIndexing.pattern;
    const index = this.#readInteger(bytes, end, isIndexing ? withIndexing.prefixMax : withoutIndexing.prefixMax);
    const name = index === 0 ? this.#readText(bytes, end) : this.#nameAt(index);
    if (name === undefined) return false;
    const value = this.#readText(bytes, end);
    if (value === undefined) return false;
    this.#name = name;
    this.#value = value;
    if (isIndexing) this.#table.insert(name, value);
    return true;
  }

  /** Returns undefined for an index that no entry has, and for -1. */
  #nameAt(index: number): string | undefined {
    if (index < DYNAMIC_INDEX_MIN) return staticNames[index];
    const place = this.#table.placeOf(index);
    return place < 0 ? undefined : this.#table.textAt(place);
  }

  /** RFC 7541 §5.2. Returns undefined for one that is cut off, or no Huffman code. */
  #readText(bytes: Buffer, end: number): string | undefined {
    if (this.#position >= end) return undefined;
    const isHuffman = bytes[this.#position]! >= huffmanText.pattern;
    const length = this.#readInteger(bytes, end, plainText.prefixMax);
    const start = this.#position;
    if (length < 0 || length > end - start) return undefined;
    this.#position = start + length;
    return isHuffman ? decodeHuffmanText(bytes, start, start + length) : bytes.latin1Slice(start, start + length);
  }

  /** RFC 7541 §5.1. Returns -1 for an integer that is cut off, or too long. */
  #readInteger(bytes: Buffer, end: number, prefixMax: number): number {
    let value = bytes[this.#position++]! & prefixMax;
    if (value < prefixMax) return value;
    const last = Math.min(end, this.#position + CONTINUATION_BYTES_MAX);
    for (let shift = 0; this.#position < last; shift += 7) {
      const byte = bytes[this.#position++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }
}

function isSizeUpdate(first: number): boolean {
  return first >= sizeUpdate.pattern && first < withIndexing.pattern;
}

function decodeHuffmanText(bytes: Buffer, start: number, end: number): string | undefined {
  const bytesMax = decodedBytesMax(end - start);
  const into = bytesMax <= scratch.length ? scratch : Buffer.allocUnsafe(bytesMax);
  const length = decodeHuffman(bytes, start, end, into);
  return length < 0 ? undefined : into.latin1Slice(0, length);
}
