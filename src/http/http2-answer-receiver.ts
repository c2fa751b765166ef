/** The answers that the frames of an upstream make. It may be broken or hostile: all of it is attacker-controlled. */
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { HpackOutcome } from '#wire/hpack/decoder.ts';
import { ENTRY_EXTRA_BYTES, TABLE_BYTES_DEFAULT } from '#wire/hpack/dynamic-table.ts';
import { ErrorCode } from '#wire/http2/error-codes.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import type { FieldBlock } from '#wire/http2/field-block.ts';
import { Setting } from '#wire/http2/frame-types.ts';
import { Http2Receiver, type ReceiverHome } from './http2-receiver.ts';
import type { Http2UpstreamCall } from './http2-upstream-call.ts';

export interface AnswerReceiverHome extends ReceiverHome<Http2UpstreamCall> {
  onSettings(): void;
}

/** The status is among the fields. */
const FIELD_COUNT_MAX = limits.fieldCountMax + 1;
/** As much as a head may have over HTTP/1 always fits. */
export const ANSWER_LIST_BYTES_MAX = limits.headBytesMax + FIELD_COUNT_MAX * ENTRY_EXTRA_BYTES;

export class Http2AnswerReceiver extends Http2Receiver<Http2UpstreamCall> {
  readonly #home: AnswerReceiverHome;
  /** Streams at a time, as the upstream says. */
  streamsMax = Number.POSITIVE_INFINITY;
  /** RFC 8441 §3. */
  offersConnect = false;
  /** What is being read. */
  #bytes: Buffer = noBytes;
  /** Data of one answer that came in several frames, moved together: `joinedStart` to `joinedEnd` of what is being read. */
  #joinedStream: Http2UpstreamCall | undefined = undefined;
  #joinedStart = 0;
  #joinedEnd = 0;

  constructor(home: AnswerReceiverHome, wheel: TimerWheel) {
    super(home, wheel, {
      peer: 'server',
      fields: { tableBytesMax: TABLE_BYTES_DEFAULT, listBytesMax: ANSWER_LIST_BYTES_MAX, fieldCountMax: FIELD_COUNT_MAX },
      connectionWindowBytes: limits.upstreamHeldBytesMax,
      resetsPerMinuteMax: Number.POSITIVE_INFINITY,
    });
    this.#home = home;
  }

  override decode(bytes: Buffer, end: number): void {
    this.#bytes = bytes;
    super.decode(bytes, end);
    this.#handOnJoined();
    this.#bytes = noBytes;
  }

  /**
   * Frames are mostly of 16 KiB, and each piece handed on may be a system call. Moving data together within what is being read
   * costs a good deal less.
   */
  override takeData(stream: Http2UpstreamCall, view: Buffer): void {
    const start = view.byteOffset - this.#bytes.byteOffset;
    const isNext = stream === this.#joinedStream;
    if (isNext && this.#joinedEnd - this.#joinedStart + view.length <= limits.bodyBufferFromBytes) {
      this.#bytes.copyWithin(this.#joinedEnd, start, start + view.length);
      this.#joinedEnd += view.length;
      return;
    }
    this.#handOnJoined();
    this.#joinedStream = stream;
    this.#joinedStart = start;
    this.#joinedEnd = start + view.length;
  }

  override onData(id: number, frameBytes: number): void {
    const stream = this.#home.streams.get(id);
    if (stream !== this.#joinedStream) this.#handOnJoined();
    if (stream?.isReceived === false && !stream.hasAnswerBegun) this.#home.fail(http2Faults.bodyBeforeHead);
    else super.onData(id, frameBytes);
  }

  override onDataEnd(isLast: boolean, dataBytes: number): void {
    if (isLast) this.#handOnJoined();
    super.onDataEnd(isLast, dataBytes);
  }

  override onHeaders(id: number, block: FieldBlock, isLast: boolean): void {
    this.#handOnJoined();
    super.onHeaders(id, block, isLast);
  }

  override onReset(id: number, code: number): void {
    this.#handOnJoined();
    super.onReset(id, code);
  }

  override onGoaway(lastStream: number, code: number): void {
    this.#handOnJoined();
    super.onGoaway(lastStream, code);
  }

  override onFault(fault: Http2Fault): void {
    this.#handOnJoined();
    super.onFault(fault);
  }

  override onSettings(): void {
    super.onSettings();
    this.#home.onSettings();
  }

  onFields(id: number, list: readonly string[], outcome: HpackOutcome, isLast: boolean): void {
    const call = this.#home.streams.get(id);
    if (call === undefined) return this.failUnlessLeft(id);
    if (call.isReceived) return call.breakRules(ErrorCode.streamClosed);
    this.onProgress();
    call.onFields(list, outcome === 'too-large', isLast);
    this.#home.onBodyRead(call);
  }

  onOwnSetting(id: number, value: number): Http2Fault | undefined {
    switch (id) {
      case Setting.concurrentStreamsMax:
        this.streamsMax = value;
        return undefined;
      case Setting.enableConnectProtocol:
        this.offersConnect = value === 1;
        return value > 1 ? http2Faults.settingValue : undefined;
      // RFC 9113 §6.5.2: servers do not take what is pushed, so they may not ask for it.
      case Setting.enablePush:
        return value === 0 ? undefined : http2Faults.settingValue;
      default:
        return undefined;
    }
  }

  #handOnJoined(): void {
    const stream = this.#joinedStream;
    if (stream === undefined) return;
    this.#joinedStream = undefined;
    const view = this.#bytes.subarray(this.#joinedStart, this.#joinedEnd);
    if (stream.isEnded) this.onBodyUsed(view.length, undefined);
    else super.takeData(stream, view);
  }
}

const noBytes = Buffer.alloc(0);
