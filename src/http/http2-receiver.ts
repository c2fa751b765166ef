/**
 * What the frames of a peer mean, whichever side of HTTP/2 it is on: data, windows, and what the peer says of itself. Heads
 * are for the class of each side. Everything here is attacker-controlled, and what can be counted is counted.
 */

import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import { HpackDecoder, type HpackDecoderLimits, type HpackOutcome } from '#wire/hpack/decoder.ts';
import { ErrorCode } from '#wire/http2/error-codes.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import type { FieldBlock } from '#wire/http2/field-block.ts';
import { FrameDecoder, type FrameEvents } from '#wire/http2/frame-decoder.ts';
import {
  FRAME_BYTES_MAX_INITIAL,
  FRAME_BYTES_MAX_MAX,
  Setting,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from '#wire/http2/frame-types.ts';
import { Http2FrameCounts } from './http2-frame-counts.ts';
import { ReceiveWindow } from './http2-receive-window.ts';
import type { Http2Sender } from './http2-sender.ts';
import type { SendingStream } from './http2-sending-stream.ts';
import type { HomeStream } from './http2-stream-home.ts';
import type { Http2Streams } from './http2-streams.ts';

/** A stream as the receiver of its connection knows it. */
export interface ReceivingStream extends SendingStream, HomeStream {
  /** Nobody is interested in it any more. */
  readonly isEnded: boolean;
  /** The peer has ended its side. */
  readonly isReceived: boolean;
  /** RFC 9113 §5.2. False: a frame of so many bytes is more than the peer may send. */
  takeWindow(frameBytes: number): boolean;
  /** The view is lent as by `StreamOwner.onBytes`. */
  onData(view: Buffer): void;
  /** The peer ends its side. */
  onReceived(trailers: string[] | undefined): void;
  onReset(code: number): void;
  /** RFC 9113 §5.4.2: the peer has done what it may not, and its stream alone has to end for it. */
  breakRules(code: ErrorCode): void;
}

/** What a receiver needs of its connection. */
export interface ReceiverHome<Stream extends ReceivingStream> {
  readonly sender: Http2Sender;
  readonly streams: Http2Streams<Stream>;
  /** Something of a message's body has come. */
  onBodyRead(stream: Stream): void;
  onSettingsAck(): void;
  onPingAck(): void;
  /** `lastStream`: the peer has not looked at those behind it. */
  onGoaway(lastStream: number, code: number): void;
  fail(fault: Http2Fault): void;
}

export interface ReceiverSettings {
  readonly peer: 'client' | 'server';
  readonly fields: HpackDecoderLimits;
  readonly connectionWindowBytes: number;
  readonly resetsPerMinuteMax: number;
}

export abstract class Http2Receiver<Stream extends ReceivingStream> implements FrameEvents {
  readonly #frames: FrameDecoder;
  readonly #fields: HpackDecoder;
  readonly #window: ReceiveWindow;
  readonly #counts: Http2FrameCounts;
  readonly #wheel: TimerWheel;
  readonly #home: ReceiverHome<Stream>;
  /** Whose data is being read; `undefined` where nobody wants it. */
  #dataStream: Stream | undefined = undefined;
  #dataFrameBytes = 0;
  /** The peer has taken note of our settings. */
  hasAgreed = false;

  constructor(home: ReceiverHome<Stream>, wheel: TimerWheel, { peer, fields, ...settings }: ReceiverSettings) {
    this.#home = home;
    this.#wheel = wheel;
    this.#frames = new FrameDecoder(
      {
        blockBytesMax: limits.http2BlockBytesFactor * fields.listBytesMax,
        continuationsMax: limits.http2ContinuationsMax,
        settingsMax: limits.http2SettingsMax,
      },
      this,
      peer,
    );
    this.#fields = new HpackDecoder(fields);
    this.#window = new ReceiveWindow(Math.max(settings.connectionWindowBytes, WINDOW_BYTES_INITIAL));
    this.#counts = new Http2FrameCounts(settings.resetsPerMinuteMax);
  }

  /** The fields of a head, or of trailers, as far as limits allow. */
  abstract onFields(id: number, list: readonly string[], outcome: HpackOutcome, isLast: boolean): void;

  /** A setting that means something on one side only. Returns what is wrong with it. */
  abstract onOwnSetting(id: number, value: number): Http2Fault | undefined;

  decode(bytes: Buffer, end: number): void {
    this.#frames.decode(bytes, 0, end);
  }

  /** Nothing more is read. */
  stop(): void {
    this.#frames.isStopped = true;
  }

  onProgress(): void {
    this.#counts.reset();
  }

  onBrokenOff(): void {
    this.#failIf(this.#counts.addBrokenOff(this.#wheel.nowMs));
  }

  /** RFC 9113 §6.9: the peer is told when a good deal of a window has been used. */
  onBodyUsed(bytes: number, stream: HomeStream | undefined): void {
    if (this.#frames.isStopped) return;
    const { sender } = this.#home;
    const increment = this.#window.use(bytes);
    const streamIncrement = stream === undefined ? 0 : stream.useWindow(bytes);
    if (increment > 0) sender.writer.windowUpdate(0, increment);
    if (streamIncrement > 0) sender.writer.windowUpdate(stream!.id, streamIncrement);
    if (increment > 0 || streamIncrement > 0) sender.askFlush();
  }

  // Data

  onData(id: number, frameBytes: number): void {
    this.#dataStream = undefined;
    this.#dataFrameBytes = frameBytes;
    if (!this.#window.take(frameBytes)) return this.#home.fail(http2Faults.windowExceeded);
    const stream = this.#home.streams.get(id);
    if (stream === undefined) this.failUnlessLeft(id);
    else if (stream.isReceived) stream.breakRules(ErrorCode.streamClosed);
    else if (!stream.takeWindow(frameBytes)) stream.breakRules(ErrorCode.flowControlError);
    else this.#dataStream = stream;
  }

  onDataChunk(view: Buffer): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isEnded) this.onBodyUsed(view.length, undefined);
    else this.takeData(stream, view);
  }

  takeData(stream: Stream, view: Buffer): void {
    stream.onData(view);
    this.#home.onBodyRead(stream);
  }

  onDataEnd(isLast: boolean, dataBytes: number): void {
    const stream = this.#dataStream;
    const paddingBytes = this.#dataFrameBytes - dataBytes;
    if (paddingBytes > 0) this.onBodyUsed(paddingBytes, stream);
    if (stream === undefined || stream.isEnded || (dataBytes === 0 && !isLast)) return this.#countQuiet();
    this.onProgress();
    if (isLast) stream.onReceived(undefined);
  }

  // Heads

  onHeaders(id: number, block: FieldBlock, isLast: boolean): void {
    const list: string[] = [];
    const outcome = this.#fields.decode(block.bytes, block.start, block.end, list);
    if (outcome === 'malformed') return this.#home.fail(http2Faults.compression);
    this.onFields(id, list, outcome, isLast);
  }

  onReset(id: number, code: number): void {
    const stream = this.#home.streams.get(id);
    if (stream !== undefined) stream.onReset(code);
    else this.#failIfIdle(id);
  }

  // What the peer says of itself

  onSetting(id: number, value: number): void {
    const { sender } = this.#home;
    switch (id) {
      case Setting.headerTableBytes:
        return sender.encoder.setTableBytesMax(value);
      case Setting.initialWindowBytes:
        return this.#setStreamWindow(value);
      // Frames of ours are never longer than everybody takes them.
      case Setting.frameBytesMax:
        return this.#failIf(
          value < FRAME_BYTES_MAX_INITIAL || value > FRAME_BYTES_MAX_MAX ? http2Faults.settingValue : undefined,
        );
      default:
        return this.#failIf(this.onOwnSetting(id, value));
    }
  }

  /** RFC 9113 §6.9.2: what has been sent stays counted, so that a window may become less than nothing. */
  #setStreamWindow(bytes: number): void {
    if (bytes > WINDOW_BYTES_MAX) return this.#home.fail(http2Faults.settingWindow);
    const { sender, streams } = this.#home;
    const increment = bytes - sender.streamWindowBytes;
    if (increment === 0) return;
    sender.streamWindowBytes = bytes;
    for (const stream of streams.values()) {
      if (!sender.openStreamWindow(stream, increment)) return this.#home.fail(http2Faults.settingWindow);
    }
  }

  onSettings(): void {
    this.#home.sender.writer.settingsAck();
    this.#home.sender.askFlush();
    this.#countControl();
  }

  onSettingsAck(): void {
    this.hasAgreed = true;
    this.#home.onSettingsAck();
    this.#countQuiet();
  }

  onPing(bytes: Buffer, at: number): void {
    this.#home.sender.writer.ping(bytes, at, true);
    this.#home.sender.askFlush();
    this.#countControl();
  }

  onPingAck(): void {
    this.#home.onPingAck();
    this.#countQuiet();
  }

  onGoaway(lastStream: number, code: number): void {
    this.#home.onGoaway(lastStream, code);
    this.#countQuiet();
  }

  onWindowUpdate(id: number, increment: number): void {
    const { sender, streams } = this.#home;
    this.#countQuiet();
    if (id === 0) return this.#failIf(sender.openWindow(increment) ? undefined : http2Faults.connectionWindow);
    const stream = streams.get(id);
    if (stream === undefined) this.#failIfIdle(id);
    else if (!sender.openStreamWindow(stream, increment)) stream.breakRules(ErrorCode.flowControlError);
  }

  onPriority(): void {
    this.#countQuiet();
  }

  onUnknownFrame(): void {
    this.#countQuiet();
  }

  onStreamFault(id: number, code: ErrorCode): void {
    const stream = this.#home.streams.get(id);
    if (stream !== undefined) stream.breakRules(code);
    // There is no stream that could be reset.
    else if (code === ErrorCode.frameSizeError) this.#home.fail(http2Faults.frameLength);
    else this.#failIfIdle(id);
  }

  onFault(fault: Http2Fault): void {
    this.#home.fail(fault);
  }

  /** A frame that may stand on an open stream only, unless it was under way when we reset that. */
  failUnlessLeft(id: number): void {
    const place = this.#home.streams.placeOf(id);
    if (place === 'left') this.#countQuiet();
    else if (place === 'idle') this.#home.fail(http2Faults.idleStream);
    else this.#home.fail(place === 'ended' ? http2Faults.closedStream : http2Faults.streamId);
  }

  // Inside

  #countControl(): void {
    this.#failIf(this.#counts.addControl(this.#wheel.nowMs));
  }

  #countQuiet(): void {
    this.#failIf(this.#counts.addQuiet(this.#wheel.nowMs));
  }

  /** RFC 9113 §5.1: a frame that may stand on a stream that has ended. */
  #failIfIdle(id: number): void {
    if (this.#home.streams.placeOf(id) === 'idle') this.#home.fail(http2Faults.idleStream);
    else this.#countQuiet();
  }

  #failIf(fault: Http2Fault | undefined): void {
    if (fault !== undefined) this.#home.fail(fault);
  }
}
