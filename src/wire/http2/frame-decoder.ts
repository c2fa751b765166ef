import { ErrorCode } from './error-codes.ts';
import { type Http2Fault, http2Faults } from './faults.ts';
import { FieldBlock } from './field-block.ts';
import { FrameHead, PRIORITY_BYTES } from './frame-head.ts';
import { Flag, FRAME_HEAD_BYTES, FrameType, PREFACE, SETTING_BYTES } from './frame-types.ts';

/** Who learns what the frames of a peer say, in their order. Nothing follows a fault of the connection. */
export interface FrameEvents {
  /** A frame of data begins. All its bytes, padding included, count against the windows. */
  onData(stream: number, frameBytes: number): void;
  /** The view is lent: it is valid until this call returns. */
  onDataChunk(view: Buffer): void;
  /** `isLast`: nothing follows on this stream. `dataBytes`: without padding. */
  onDataEnd(isLast: boolean, dataBytes: number): void;
  /** The bytes of the block are lent. */
  onHeaders(stream: number, block: FieldBlock, isLast: boolean): void;
  onPriority(): void;
  onReset(stream: number, code: number): void;
  /** For each entry, in order; `onSettings` follows. */
  onSetting(id: number, value: number): void;
  onSettings(): void;
  onSettingsAck(): void;
  /** The eight bytes from `at` on are lent. */
  onPing(bytes: Buffer, at: number): void;
  onPingAck(): void;
  /** `lastStream`: the peer has not looked at those behind it. */
  onGoaway(lastStream: number, code: number): void;
  /** `stream` 0: of the connection. */
  onWindowUpdate(stream: number, increment: number): void;
  /** RFC 9113 §5.5: a type that nobody knows means nothing. */
  onUnknownFrame(): void;
  /** A frame is malformed in a way that ends its stream alone. */
  onStreamFault(stream: number, code: ErrorCode): void;
  onFault(fault: Http2Fault): void;
}

export interface FrameDecoderLimits {
  /** Bytes of the compressed fields of one head. */
  readonly blockBytesMax: number;
  readonly continuationsMax: number;
  readonly settingsMax: number;
}

const State = { preface: 0, head: 1, payload: 2, padLength: 3, data: 4, padding: 5, skipped: 6 } as const;
type State = (typeof State)[keyof typeof State];

/**
 * Turns the bytes of a peer's connection into frames. How the bytes are split makes no difference to the events, except
 * that data comes in pieces. Data is handed on as it comes; other frames are kept until they are whole. All input is
 * attacker-controlled.
 */
export class FrameDecoder {
  #state: State;
  #isFirst = true;
  #prefaceBytes = 0;
  readonly #head = new FrameHead();
  /** The beginning of a frame's head, until all of it is there. */
  readonly #early = new Uint8Array(FRAME_HEAD_BYTES);
  #earlyBytes = 0;
  /** Of data, padding or what is skipped: what is still to come. */
  #left = 0;
  #padLeft = 0;
  /** The beginning of a payload that is kept until it is whole. */
  #payload: Buffer | undefined = undefined;
  #payloadBytes = 0;
  readonly #block: FieldBlock;
  readonly #limits: FrameDecoderLimits;
  readonly #events: FrameEvents;
  /** Nothing is decoded any more. */
  isStopped = false;

  /** Clients begin with a preface before their settings, servers with their settings (RFC 9113 §3.4). */
  constructor(limits: FrameDecoderLimits, events: FrameEvents, peer: 'client' | 'server' = 'client') {
    this.#limits = limits;
    this.#events = events;
    this.#state = peer === 'client' ? State.preface : State.head;
    this.#block = new FieldBlock(limits.blockBytesMax);
  }

  decode(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.isStopped) {
      switch (this.#state) {
        case State.head:
          at = this.#takeHead(bytes, at, end);
          break;
        case State.payload:
          at = this.#takePayload(bytes, at, end);
          break;
        case State.padLength:
          at = this.#takePadLength(bytes, at);
          break;
        case State.data:
          at = this.#takeData(bytes, at, end);
          break;
        case State.preface:
          at = this.#takePreface(bytes, at, end);
          break;
        default:
          at = this.#skip(at, end);
      }
    }
  }

  #fail(fault: Http2Fault): void {
    this.isStopped = true;
    this.#events.onFault(fault);
  }

  /** RFC 9113 §3.4. */
  #takePreface(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (; at < end && this.#prefaceBytes < PREFACE.length; at++) {
      if (bytes[at] !== PREFACE.charCodeAt(this.#prefaceBytes)) {
        this.#fail(http2Faults.preface);
        return end;
      }
      this.#prefaceBytes += 1;
    }
    if (this.#prefaceBytes === PREFACE.length) this.#state = State.head;
    return at;
  }

  #takeHead(bytes: Buffer, start: number, end: number): number {
    if (this.#earlyBytes === 0 && end - start >= FRAME_HEAD_BYTES) {
      this.#head.read(bytes, start);
      return this.#begin(bytes, start + FRAME_HEAD_BYTES, end);
    }
    let at = start;
    while (at < end && this.#earlyBytes < FRAME_HEAD_BYTES) this.#early[this.#earlyBytes++] = bytes[at++]!;
    if (this.#earlyBytes < FRAME_HEAD_BYTES) return at;
    this.#earlyBytes = 0;
    this.#head.read(this.#early, 0);
    return this.#begin(bytes, at, end);
  }

  /** A head has been read, and its payload begins at `at`. */
  #begin(bytes: Buffer, at: number, end: number): number {
    const fault = this.#findFault();
    if (fault !== undefined) {
      this.#fail(fault);
      return end;
    }
    this.#isFirst = false;
    if (this.#head.type === FrameType.data) {
      this.#beginData();
      return at;
    }
    if (this.#head.type > FrameType.continuation) {
      this.#left = this.#head.length;
      this.#state = this.#left === 0 ? State.head : State.skipped;
      this.#events.onUnknownFrame();
      return at;
    }
    const payloadEnd = at + this.#head.length;
    if (payloadEnd <= end) {
      this.#state = State.head;
      this.#readPayload(bytes, at, payloadEnd);
      return payloadEnd;
    }
    this.#payload = Buffer.allocUnsafe(this.#head.length);
    this.#payloadBytes = 0;
    this.#state = State.payload;
    return at;
  }

  /** In the order in which it matters. */
  #findFault(): Http2Fault | undefined {
    const { type, stream } = this.#head;
    if (this.#isFirst && (type !== FrameType.settings || this.#head.has(Flag.ack))) return http2Faults.firstFrame;
    // RFC 9113 §6.10: nothing else comes between the pieces of a head.
    const isContinuation = type === FrameType.continuation;
    if (isContinuation !== this.#block.isOpen) return http2Faults.continuation;
    if (isContinuation && stream !== this.#block.stream) return http2Faults.continuation;
    return this.#head.findFault(this.#limits.settingsMax);
  }

  // Data

  #beginData(): void {
    const isPadded = this.#head.has(Flag.padded);
    this.#left = this.#head.length;
    this.#padLeft = 0;
    this.#state = isPadded ? State.padLength : State.data;
    this.#events.onData(this.#head.stream, this.#head.length);
    if (this.#head.length === 0) this.#endData();
  }

  #takePadLength(bytes: Buffer, at: number): number {
    this.#padLeft = bytes[at]!;
    this.#left = this.#head.length - 1 - this.#padLeft;
    this.#state = State.data;
    if (this.#left < 0) this.#fail(http2Faults.padding);
    else if (this.#left === 0) this.#endChunks();
    return at + 1;
  }

  #takeData(bytes: Buffer, at: number, end: number): number {
    const chunkEnd = Math.min(end, at + this.#left);
    this.#left -= chunkEnd - at;
    this.#events.onDataChunk(bytes.subarray(at, chunkEnd));
    if (this.#left === 0) this.#endChunks();
    return chunkEnd;
  }

  #endChunks(): void {
    if (this.#padLeft === 0) return this.#endData();
    this.#left = this.#padLeft;
    this.#state = State.padding;
  }

  #endData(): void {
    this.#state = State.head;
    const isPadded = this.#head.has(Flag.padded);
    const dataBytes = isPadded ? this.#head.length - 1 - this.#padLeft : this.#head.length;
    this.#events.onDataEnd(this.#head.has(Flag.endStream), dataBytes);
  }

  #skip(at: number, end: number): number {
    const skippedEnd = Math.min(end, at + this.#left);
    this.#left -= skippedEnd - at;
    if (this.#left === 0) {
      if (this.#state === State.padding) this.#endData();
      else this.#state = State.head;
    }
    return skippedEnd;
  }

  // Other frames

  #takePayload(bytes: Buffer, at: number, end: number): number {
    const payload = this.#payload!;
    const taken = Math.min(end - at, this.#head.length - this.#payloadBytes);
    bytes.copy(payload, this.#payloadBytes, at, at + taken);
    this.#payloadBytes += taken;
    if (this.#payloadBytes === this.#head.length) {
      this.#payload = undefined;
      this.#state = State.head;
      this.#readPayload(payload, 0, this.#head.length);
    }
    return at + taken;
  }

  #readPayload(bytes: Buffer, at: number, end: number): void {
    const events = this.#events;
    switch (this.#head.type) {
      case FrameType.headers:
        return this.#readHeaders(bytes, at, end);
      case FrameType.continuation:
        return this.#readContinuation(bytes, at, end);
      case FrameType.priority:
        return this.#readPriority(bytes, at, end);
      case FrameType.resetStream:
        return events.onReset(this.#head.stream, bytes.readUInt32BE(at));
      case FrameType.settings:
        return this.#readSettings(bytes, at, end);
      case FrameType.ping:
        return !this.#head.has(Flag.ack) ? events.onPing(bytes, at) : events.onPingAck();
      case FrameType.goaway:
        return events.onGoaway(bytes.readUInt32BE(at) & 0x7fff_ffff, bytes.readUInt32BE(at + 4));
      default:
        return this.#readWindowUpdate(bytes.readUInt32BE(at) & 0x7fff_ffff);
    }
  }

  #readHeaders(bytes: Buffer, start: number, payloadEnd: number): void {
    let at = start;
    let end = payloadEnd;
    if (this.#head.has(Flag.padded)) {
      end -= bytes[at]!;
      at += 1;
      if (end < at + this.#head.priorityBytes) return this.#fail(http2Faults.padding);
    }
    if (this.#head.priorityBytes > 0) {
      if (this.#dependsOnItself(bytes, at)) return this.#fail(http2Faults.dependency);
      at += PRIORITY_BYTES;
    }
    const isLast = this.#head.has(Flag.endStream);
    const block = this.#block;
    if (this.#head.has(Flag.endHeaders)) this.#events.onHeaders(this.#head.stream, block.borrow(bytes, at, end), isLast);
    else {
      block.open(this.#head.stream, isLast);
      if (!block.append(bytes, at, end)) this.#fail(http2Faults.headTooLong);
    }
  }

  #readContinuation(bytes: Buffer, at: number, end: number): void {
    const block = this.#block;
    if (!block.append(bytes, at, end)) return this.#fail(http2Faults.headTooLong);
    if (this.#head.has(Flag.endHeaders)) {
      block.close();
      this.#events.onHeaders(block.stream, block, block.isLast);
    } else if (block.pieces > this.#limits.continuationsMax) this.#fail(http2Faults.tooManyContinuations);
  }

  #readPriority(bytes: Buffer, at: number, end: number): void {
    if (end - at !== PRIORITY_BYTES) return this.#events.onStreamFault(this.#head.stream, ErrorCode.frameSizeError);
    if (this.#dependsOnItself(bytes, at)) return this.#fail(http2Faults.dependency);
    this.#events.onPriority();
  }

  /** RFC 7540 §5.3.1; RFC 9113 has taken priorities out, and who still sends them knows that rule. */
  #dependsOnItself(bytes: Buffer, at: number): boolean {
    return (bytes.readUInt32BE(at) & 0x7fff_ffff) === this.#head.stream;
  }

  #readSettings(bytes: Buffer, start: number, end: number): void {
    if (this.#head.has(Flag.ack)) return this.#events.onSettingsAck();
    for (let at = start; at < end && !this.isStopped; at += SETTING_BYTES)
      this.#events.onSetting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    if (!this.isStopped) this.#events.onSettings();
  }

  /** RFC 9113 §6.9. */
  #readWindowUpdate(increment: number): void {
    if (increment > 0) this.#events.onWindowUpdate(this.#head.stream, increment);
    else if (this.#head.stream === 0) this.#fail(http2Faults.windowIncrement);
    else this.#events.onStreamFault(this.#head.stream, ErrorCode.protocolError);
  }
}
