/**
 * Writes messages of Protocol Buffers, one field behind the other (https://protobuf.dev/programming-guides/encoding). The length of a
 * message stands before it and is known behind it: one byte is kept for it, and what turns out longer is moved on.
 */

const FIRST_BYTES = 16 * 1024;
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** Of any number, and of the tag of any field. */
const VARINT_BYTES_MAX = 10;
const UTF8_BYTES_MAX = 3;
/** Shorter texts are written faster by hand than by a call into the engine. */
const SHORT_TEXT_LENGTH = 16;
/** Of digits as ASCII has them. */
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_CASE = 0x20;
const LETTER_BASE = 0x61 - 10;
const INT32_MAX = 2 ** 31 - 1;

export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** Bytes that have been written. */
  get length(): number {
    return this.#length;
  }

  /** What has been written, in memory of its own. The writer begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.lend());
  }

  /** What has been written, until something else is. The writer begins anew. */
  lend(): Uint8Array<ArrayBuffer> {
    const lent = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return lent;
  }

  /** A message, or anything else with a length before it, begins. `end` is told what this returns. */
  begin(field: number): number {
    this.#reserve(2 * VARINT_BYTES_MAX);
    this.#tag(field, LENGTH_DELIMITED);
    this.#length += 1;
    return this.#length;
  }

  end(start: number): void {
    const length = this.#length - start;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#length);
    }
    this.#length = start - 1;
    this.#varint(length);
    this.#length += length;
  }

  text(field: number, text: string): void {
    this.#reserve(2 * VARINT_BYTES_MAX + text.length * UTF8_BYTES_MAX);
    this.#tag(field, LENGTH_DELIMITED);
    if (text.length <= SHORT_TEXT_LENGTH && this.#shortAscii(text)) return;
    this.#varint(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Fields that have been written before, by whomever. */
  fields(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes that are given as hexadecimal digits: an even number of nothing else, which is the caller's to see to. */
  hex(field: number, digits: string): void {
    const count = digits.length / 2;
    this.#reserve(2 * VARINT_BYTES_MAX + count);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(count);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < digits.length; i += 2)
      bytes[at++] = (toNibble(digits.charCodeAt(i)) << 4) | toNibble(digits.charCodeAt(i + 1));
    this.#length = at;
  }

  /** `int32`, `int64`, `uint32`, `uint64`, `bool` and enumerations: a whole number of less than 2^63, and not less than its negative. */
  integer(field: number, value: number): void {
    this.#reserve(2 * VARINT_BYTES_MAX);
    this.#tag(field, VARINT);
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
  }

  double(field: number, value: number): void {
    this.#reserve(VARINT_BYTES_MAX + 8);
    this.#tag(field, FIXED64);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** `fixed64`: `high` times 2^32 and `low`, as a double does not hold all of them. */
  fixed64(field: number, high: number, low: number): void {
    this.#reserve(VARINT_BYTES_MAX + 8);
    this.#tag(field, FIXED64);
    this.#word(low);
    this.#word(high);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(VARINT_BYTES_MAX + 4);
    this.#tag(field, FIXED32);
    this.#word(value);
  }

  /** False: it is not ASCII, and nothing has been written. */
  #shortAscii(text: string): boolean {
    const bytes = this.#bytes;
    let at = this.#length + 1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    bytes[this.#length] = text.length;
    this.#length = at;
    return true;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    let rest = value;
    // What has more bits than a shift keeps.
    for (; rest > INT32_MAX; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  /** 32 bits, the lowest first. */
  #word(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#length++] = value;
    bytes[this.#length++] = value >>> 8;
    bytes[this.#length++] = value >>> 16;
    bytes[this.#length++] = value >>> 24;
  }

  /** In two's complement of 64 bits, so it takes ten bytes. */
  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function toNibble(digit: number): number {
  return digit <= NINE ? digit - ZERO : (digit | LOWER_CASE) - LETTER_BASE;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
