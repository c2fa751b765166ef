/**
 * What goes out over one HTTP/2 connection: frames joined in one buffer, one write at a time, and data in turns, as windows
 * (RFC 9113 §5.2) and the socket allow.
 */
import { limits } from '#base/limits.ts';
import type { ByteStream } from '#net/byte-stream.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { BLOCK_START_BYTES_MAX, encodedBytesMax, HpackEncoder } from '#wire/hpack/encoder.ts';
import {
  Flag,
  FRAME_BYTES_MAX_INITIAL,
  FRAME_HEAD_BYTES,
  FrameType,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from '#wire/http2/frame-types.ts';
import { type FrameBuffers, FrameWriter } from '#wire/http2/frame-writer.ts';
import { isConnectionSpecific } from './http2-attempt-head.ts';
import type { SendingStream } from './http2-sending-stream.ts';
import type { TurnEnd, TurnTask } from './turn-end.ts';

/** What a connection's stream, buffers and thread are to its sender. */
export interface SenderMeans {
  readonly stream: ByteStream;
  readonly frames: FrameBuffers;
  readonly buffers: ReadBuffers;
  readonly turnEnd: TurnEnd;
}

/** While others wait for their turn, so much may pass them at most: a small answer is not held up by large ones. */
const PASSING_BYTES_MAX = 16 * 1024;
/** Writes that a socket takes at once before others have their turn. */
const WRITES_MAX = 8;
const STATUS_BYTES_MAX = encodedBytesMax(':status', '200');

export class Http2Sender implements TurnTask {
  readonly writer: FrameWriter;
  readonly encoder = new HpackEncoder();
  /** What the peer takes of all streams together. */
  windowBytes = WINDOW_BYTES_INITIAL;
  /** What the peer takes of a stream that begins. */
  streamWindowBytes = WINDOW_BYTES_INITIAL;
  readonly #means: SenderMeans;
  /** The buffer that is being written. */
  #writing: Buffer | undefined = undefined;
  #isAsked = false;
  #first: SendingStream | undefined = undefined;
  #last: SendingStream | undefined = undefined;

  constructor(means: SenderMeans) {
    this.#means = means;
    this.writer = new FrameWriter(means.frames);
  }

  /** The peer does not take what is there already: nothing should be read of it that has to be answered. */
  get isCongested(): boolean {
    return this.#writing !== undefined && this.writer.at >= limits.http2UnwrittenBytesMax;
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Sees to it that what is in the buffer, or in line, leaves in this turn. */
  askFlush(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#means.turnEnd.add(this);
  }

  onTurnEnd(): void {
    this.#isAsked = false;
    this.flush();
  }

  /** Writes what there is, unless a write is under way: then its end does. */
  flush(): void {
    const { stream, frames } = this.#means;
    const { writer } = this;
    for (let writes = 0; this.#writing === undefined && !stream.isClosed; writes++) {
      if (writes === WRITES_MAX) return this.askFlush();
      this.#takeTurns();
      const { at } = writer;
      if (at === 0) return;
      const bytes = writer.takeAway();
      if (stream.writeOwn(bytes.subarray(0, at))) frames.giveBack(bytes);
      else this.#writing = bytes;
    }
  }

  /** The write that was under way has ended. */
  onDrained(): void {
    const bytes = this.#writing;
    if (bytes === undefined) return;
    this.#writing = undefined;
    this.#means.frames.giveBack(bytes);
    this.flush();
  }

  /** Nothing is written any more. */
  close(): void {
    this.#first = undefined;
    this.#last = undefined;
    if (this.writer.at > 0) this.#means.frames.giveBack(this.writer.takeAway());
  }

  // Heads

  /** Begins a head; its fields follow by `field`, and `endHead` closes it. */
  beginHead(status: number, fields: readonly string[]): number {
    const { writer } = this;
    let bytes = FRAME_HEAD_BYTES + BLOCK_START_BYTES_MAX + STATUS_BYTES_MAX;
    for (let i = 0; i < fields.length; i += 2) bytes += encodedBytesMax(fields[i]!, fields[i + 1]!);
    writer.reserve(bytes);
    const blockStart = writer.at + FRAME_HEAD_BYTES;
    writer.at = this.encoder.beginBlock(writer.bytes, blockStart);
    if (status > 0) writer.at = this.encoder.encodeStatus(status, writer.bytes, writer.at);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (!isConnectionSpecific(name)) writer.at = this.encoder.encodeField(name, fields[i + 1]!, writer.bytes, writer.at);
    }
    return blockStart;
  }

  field(name: string, value: string): void {
    const { writer } = this;
    writer.reserve(encodedBytesMax(name, value));
    writer.at = this.encoder.encodeField(name, value, writer.bytes, writer.at);
  }

  endHead(stream: SendingStream, blockStart: number): void {
    this.writer.frameHeaders(stream.id, blockStart, FRAME_BYTES_MAX_INITIAL);
    this.#note(stream, blockStart - FRAME_HEAD_BYTES);
    this.askFlush();
  }

  // Data

  /**
   * Takes data that is lent as by `StreamOwner.onBytes`. False: some of it waits, and the bytes must stay as they are until
   * `onRestSent`.
   */
  send(stream: SendingStream, view: Buffer): boolean {
    this.askFlush();
    const { buffers } = this.#means;
    let at = 0;
    while (at < view.length && stream.rest === undefined) {
      const bytes = this.#mayPass(stream, view.length - at);
      if (bytes <= 0) break;
      this.#frameData(stream, view, at, bytes);
      at += bytes;
    }
    if (at === view.length) return true;
    const isTaken = stream.keep(view, at, buffers);
    this.#queue(stream);
    return isTaken;
  }

  /** The same for a small piece of latin1 text. */
  sendText(stream: SendingStream, text: string): boolean {
    const bytes = text.length;
    if (stream.rest !== undefined || this.#mayPass(stream, bytes) < bytes) return this.send(stream, Buffer.from(text, 'latin1'));
    this.askFlush();
    const { writer } = this;
    writer.reserve(FRAME_HEAD_BYTES + bytes);
    this.#note(stream, writer.at);
    writer.dataText(stream.id, text);
    this.#useWindows(stream, bytes);
    return true;
  }

  /** What waits is not wanted any more. */
  drop(stream: SendingStream): void {
    stream.drop(this.#means.buffers);
  }

  /** Nothing follows on this stream: says so with its last frame where that is still here. */
  end(stream: SendingStream): void {
    const { writer } = this;
    if (stream.lastFrameRound === writer.round) return writer.markLast(stream.lastFrameAt);
    writer.reserve(FRAME_HEAD_BYTES);
    writer.head(0, FrameType.data, Flag.endStream, stream.id);
    this.askFlush();
  }

  /** Trailers end a stream. */
  endWith(stream: SendingStream, trailers: readonly string[]): void {
    const blockStart = this.beginHead(0, trailers);
    this.endHead(stream, blockStart);
    this.writer.markLast(blockStart - FRAME_HEAD_BYTES);
  }

  reset(stream: number, code: number): void {
    this.writer.reset(stream, code);
    this.askFlush();
  }

  // Windows

  /** False when the window has become larger than windows can be. */
  openWindow(increment: number): boolean {
    this.windowBytes += increment;
    if (this.#first !== undefined) this.askFlush();
    return this.windowBytes <= WINDOW_BYTES_MAX;
  }

  openStreamWindow(stream: SendingStream, increment: number): boolean {
    stream.sendWindowBytes += increment;
    if (stream.rest !== undefined) this.#queue(stream);
    return stream.sendWindowBytes <= WINDOW_BYTES_MAX;
  }

  // Inside

  /** How much of a stream's data may be framed now. */
  #mayPass(stream: SendingStream, bytes: number): number {
    const bytesMax = this.#first === undefined ? limits.http2WriteBytesMax : PASSING_BYTES_MAX;
    return this.writer.at >= bytesMax ? 0 : this.#mayFrame(stream, bytes);
  }

  /** Frames are not longer than every peer takes them, so that turns are short. */
  #mayFrame(stream: SendingStream, bytes: number): number {
    return Math.min(bytes, FRAME_BYTES_MAX_INITIAL, this.windowBytes, stream.sendWindowBytes);
  }

  #frameData(stream: SendingStream, view: Buffer, at: number, bytes: number): void {
    const { writer } = this;
    writer.reserve(FRAME_HEAD_BYTES + bytes);
    this.#note(stream, writer.at);
    writer.data(stream.id, view, at, at + bytes);
    this.#useWindows(stream, bytes);
  }

  #useWindows(stream: SendingStream, bytes: number): void {
    this.windowBytes -= bytes;
    stream.sendWindowBytes -= bytes;
  }

  #note(stream: SendingStream, frameAt: number): void {
    stream.lastFrameAt = frameAt;
    stream.lastFrameRound = this.writer.round;
  }

  #queue(stream: SendingStream): void {
    if (stream.isQueued || stream.sendWindowBytes <= 0) return;
    stream.isQueued = true;
    if (this.#last === undefined) this.#first = stream;
    else this.#last.nextQueued = stream;
    this.#last = stream;
    this.askFlush();
  }

  /** One frame of each stream in line, over and over, until this write is full. */
  #takeTurns(): void {
    const { writer } = this;
    while (this.#first !== undefined && this.windowBytes > 0 && writer.at < limits.http2WriteBytesMax) {
      const stream = this.#first;
      this.#first = stream.nextQueued;
      if (this.#first === undefined) this.#last = undefined;
      stream.nextQueued = undefined;
      stream.isQueued = false;
      this.#takeTurn(stream);
    }
  }

  #takeTurn(stream: SendingStream): void {
    const view = stream.rest;
    // It has ended since, or its window has been closed.
    if (view === undefined || stream.sendWindowBytes <= 0) return;
    const at = stream.restAt;
    const bytes = this.#mayFrame(stream, view.length - at);
    this.#frameData(stream, view, at, bytes);
    stream.restAt += bytes;
    if (stream.restAt < view.length) {
      this.#queue(stream);
      stream.onRestMoved();
      return;
    }
    const { isLent } = stream;
    if (stream.takeNext(this.#means.buffers)) {
      this.#queue(stream);
      return stream.onRestMoved();
    }
    stream.isLent = false;
    stream.onRestSent(isLent);
  }
}
