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
const SHORT_TEXT_LENGTH = 24;

export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** What has been written. The writer begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
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
    const length = Buffer.byteLength(text);
    this.#varint(length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#reserve(2 * VARINT_BYTES_MAX + bytes.length);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes that are given as hexadecimal digits: an even number of nothing else, which is the caller's to see to. */
  hex(field: number, digits: string): void {
    this.#reserve(2 * VARINT_BYTES_MAX + digits.length);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(digits.length / 2);
    this.#length += this.#bytes.write(digits, this.#length, 'hex');
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
    this.#length = this.#bytes.writeUInt32LE(low, this.#length);
    this.#length = this.#bytes.writeUInt32LE(high, this.#length);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(VARINT_BYTES_MAX + 4);
    this.#tag(field, FIXED32);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
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
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
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

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
