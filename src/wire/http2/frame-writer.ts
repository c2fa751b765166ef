import { Flag, FRAME_HEAD_BYTES, FrameType, SETTING_BYTES } from './frame-types.ts';

/** Where a writer gets its buffers from. */
export interface FrameBuffers {
  /** A buffer with at least this much room. */
  take(bytesMin: number): Buffer;
  giveBack(buffer: Buffer): void;
}

/** Joins frames in one buffer. What has been written stays where it is until the buffer is taken away, so that it can be changed. */
export class FrameWriter {
  bytes: Buffer = noBytes;
  /** Where the next frame goes. */
  at = 0;
  /** Buffers that have been taken away: a place is still there while this is the same. */
  round = 0;
  readonly #buffers: FrameBuffers;

  constructor(buffers: FrameBuffers) {
    this.#buffers = buffers;
  }

  /** Bytes that fit without another buffer. */
  get room(): number {
    return this.bytes.length - this.at;
  }

  /** Sees to it that so many bytes fit. */
  reserve(bytes: number): void {
    if (this.bytes.length - this.at >= bytes) return;
    const before = this.bytes;
    this.bytes = this.#buffers.take(Math.max(this.at + bytes, 2 * this.at));
    if (before === noBytes) return;
    before.copy(this.bytes, 0, 0, this.at);
    this.#buffers.giveBack(before);
  }

  /** The buffer, of which the first `at` bytes have been written, belongs to the caller from here on. */
  takeAway(): Buffer {
    const { bytes } = this;
    this.bytes = noBytes;
    this.at = 0;
    this.round += 1;
    return bytes;
  }

  /** RFC 9113 §4.1. There must be room. */
  head(length: number, type: number, flags: number, stream: number): void {
    const { bytes, at } = this;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    this.#uint32(at + 5, stream);
    this.at = at + FRAME_HEAD_BYTES;
  }

  /** What stands before all frames. */
  text(text: string): void {
    this.reserve(text.length);
    this.at += this.bytes.latin1Write(text, this.at);
  }

  /** Identifiers and values, alternating. */
  settings(entries: readonly number[]): void {
    const length = (entries.length / 2) * SETTING_BYTES;
    this.reserve(FRAME_HEAD_BYTES + length);
    this.head(length, FrameType.settings, 0, 0);
    for (let i = 0; i < entries.length; i += 2) {
      this.bytes[this.at] = entries[i]! >> 8;
      this.bytes[this.at + 1] = entries[i]!;
      this.#uint32(this.at + 2, entries[i + 1]!);
      this.at += SETTING_BYTES;
    }
  }

  settingsAck(): void {
    this.reserve(FRAME_HEAD_BYTES);
    this.head(0, FrameType.settings, Flag.ack, 0);
  }

  /** With the eight bytes from `from` on; an answer to those, or a question. */
  ping(payload: Buffer, from: number, isAck: boolean): void {
    this.reserve(FRAME_HEAD_BYTES + 8);
    this.head(8, FrameType.ping, isAck ? Flag.ack : 0, 0);
    payload.copy(this.bytes, this.at, from, from + 8);
    this.at += 8;
  }

  reset(stream: number, code: number): void {
    this.reserve(FRAME_HEAD_BYTES + 4);
    this.head(4, FrameType.resetStream, 0, stream);
    this.#appendUint32(code);
  }

  windowUpdate(stream: number, increment: number): void {
    this.reserve(FRAME_HEAD_BYTES + 4);
    this.head(4, FrameType.windowUpdate, 0, stream);
    this.#appendUint32(increment);
  }

  goaway(lastStream: number, code: number): void {
    this.reserve(FRAME_HEAD_BYTES + 8);
    this.head(8, FrameType.goaway, 0, 0);
    this.#appendUint32(lastStream);
    this.#appendUint32(code);
  }

  /** A whole frame of data, for which there must be room. */
  data(stream: number, bytes: Buffer, start: number, end: number): void {
    this.head(end - start, FrameType.data, 0, stream);
    bytes.copy(this.bytes, this.at, start, end);
    this.at += end - start;
  }

  /** The same for latin1 text. */
  dataText(stream: number, text: string): void {
    this.head(text.length, FrameType.data, 0, stream);
    this.bytes.latin1Write(text, this.at);
    this.at += text.length;
  }

  /**
   * The compressed fields from `blockStart` to `at`, with room for a frame's head before them, become HEADERS, and CONTINUATION
   * where they are too long for one frame.
   */
  frameHeaders(stream: number, blockStart: number, frameBytesMax: number): void {
    const length = this.at - blockStart;
    const start = blockStart - FRAME_HEAD_BYTES;
    if (length <= frameBytesMax) {
      const end = this.at;
      this.at = start;
      this.head(length, FrameType.headers, Flag.endHeaders, stream);
      this.at = end;
      return;
    }
    const pieces = Math.ceil(length / frameBytesMax);
    this.reserve((pieces - 1) * FRAME_HEAD_BYTES);
    // From the last piece on, each moves behind the heads that come before it.
    for (let i = pieces - 1; i >= 0; i--) {
      const from = blockStart + i * frameBytesMax;
      const bytes = Math.min(frameBytesMax, length - i * frameBytesMax);
      this.bytes.copyWithin(from + i * FRAME_HEAD_BYTES, from, from + bytes);
      this.at = start + i * (frameBytesMax + FRAME_HEAD_BYTES);
      const isLast = i === pieces - 1;
      this.head(bytes, i === 0 ? FrameType.headers : FrameType.continuation, isLast ? Flag.endHeaders : 0, stream);
    }
    this.at = blockStart + length + (pieces - 1) * FRAME_HEAD_BYTES;
  }

  /** The frame at this place, which has not been taken away, becomes the last of its stream. */
  markLast(frameAt: number): void {
    this.bytes[frameAt + 4]! |= Flag.endStream;
  }

  #appendUint32(value: number): void {
    this.#uint32(this.at, value);
    this.at += 4;
  }

  #uint32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value >> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
  }
}

const noBytes = Buffer.alloc(0);
