/**
 * What the frames of a client mean: requests, their bodies, and what the client says of itself. Everything here is
 * attacker-controlled, and what can be counted is counted.
 */
import { limits } from '#base/limits.ts';
import { HpackDecoder } from '#wire/hpack/decoder.ts';
import { TABLE_BYTES_DEFAULT } from '#wire/hpack/dynamic-table.ts';
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
import type { ClientFacts } from './client-facts.ts';
import { Http2ClientRequest, keepHttp2Trailers } from './http2-client-request.ts';
import { Http2ClientStream } from './http2-client-stream.ts';
import { Http2FrameCounts } from './http2-frame-counts.ts';
import { ReceiveWindow } from './http2-receive-window.ts';
import { areTrailers, Http2RequestHead } from './http2-request-head.ts';
import type { HomeStream, StreamHome } from './http2-stream-home.ts';
import type { Http2Streams } from './http2-streams.ts';
import type { Http2Limits } from './server-settings.ts';

/** What a receiver needs of its connection. */
export interface ReceiverHome extends StreamHome {
  readonly facts: ClientFacts;
  readonly streams: Http2Streams<Http2ClientStream>;
  /** Requests are not looked at any more that come behind the last one named in GOAWAY. */
  readonly takesRequests: boolean;
  onRequest(stream: Http2ClientStream): void;
  /** A request's body has come nearer to its end. */
  onBodyRead(stream: Http2ClientStream): void;
  onSettingsAck(): void;
  onPingAck(): void;
  onGoaway(): void;
  fail(fault: Http2Fault): void;
}

/** The session counts the pseudo fields too. */
const PSEUDO_FIELDS = 5;

export class Http2Receiver implements FrameEvents {
  readonly #frames: FrameDecoder;
  readonly #fields: HpackDecoder;
  readonly #window: ReceiveWindow;
  readonly #counts: Http2FrameCounts;
  readonly #home: ReceiverHome;
  readonly #limits: Http2Limits;
  #hasAgreed = false;
  /** Whose data is being read; `undefined` where nobody wants it. */
  #dataStream: Http2ClientStream | undefined = undefined;
  #dataFrameBytes = 0;

  constructor(home: ReceiverHome, http2: Http2Limits) {
    const { headerListBytesMax: listBytesMax } = http2;
    this.#home = home;
    this.#limits = http2;
    this.#frames = new FrameDecoder(
      {
        blockBytesMax: limits.http2BlockBytesFactor * listBytesMax,
        continuationsMax: limits.http2ContinuationsMax,
        settingsMax: limits.http2SettingsMax,
      },
      this,
    );
    const fieldCountMax = home.settings.decoderLimits.fieldCountMax + PSEUDO_FIELDS;
    this.#fields = new HpackDecoder({ tableBytesMax: TABLE_BYTES_DEFAULT, listBytesMax, fieldCountMax });
    this.#window = new ReceiveWindow(Math.max(http2.connectionWindowBytes, WINDOW_BYTES_INITIAL));
    this.#counts = new Http2FrameCounts(http2.resetsPerMinuteMax);
  }

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
    this.#failIf(this.#counts.addBrokenOff(this.#nowMs));
  }

  /** RFC 9113 §6.9: the client is told when a good deal of a window has been used. */
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
    if (stream === undefined) this.#failUnlessLeft(id);
    else if (stream.isRequestWhole) stream.breakRules(ErrorCode.streamClosed);
    else if (!stream.takeWindow(frameBytes)) stream.breakRules(ErrorCode.flowControlError);
    else this.#dataStream = stream;
  }

  onDataChunk(view: Buffer): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isEnded) return this.onBodyUsed(view.length, undefined);
    stream.onData(view);
    this.#home.onBodyRead(stream);
  }

  onDataEnd(isLast: boolean, dataBytes: number): void {
    const stream = this.#dataStream;
    const paddingBytes = this.#dataFrameBytes - dataBytes;
    if (paddingBytes > 0) this.onBodyUsed(paddingBytes, stream);
    if (stream === undefined || stream.isEnded || (dataBytes === 0 && !isLast)) return this.#countQuiet();
    this.onProgress();
    if (isLast) stream.onRequestEnd(undefined);
  }

  // Heads

  onHeaders(id: number, block: FieldBlock, isLast: boolean): void {
    const fields: string[] = [];
    const { bytes, start, end } = block;
    const outcome = this.#fields.decode(bytes, start, end, fields);
    const { streams } = this.#home;
    if (outcome === 'malformed') return this.#home.fail(http2Faults.compression);
    const stream = streams.get(id);
    if (stream !== undefined) return this.#takeTrailers(stream, fields, isLast && outcome === 'ok');
    if (id <= streams.lastId) return this.#failUnlessLeft(id);
    if ((id & 1) === 0) return this.#home.fail(http2Faults.streamId);
    streams.begin(id);
    // What was sent before GOAWAY was read is not looked at, and may be sent again elsewhere.
    if (!this.#home.takesRequests) return streams.leave(id);
    if (streams.count >= this.#limits.streamsMax) return this.#refuse(id);
    const head = new Http2RequestHead(!isLast);
    const isTooLarge = outcome === 'too-large';
    if (!head.read(fields) && !isTooLarge) return this.#reset(id, ErrorCode.protocolError);
    const { facts, settings } = this.#home;
    const request = new Http2ClientRequest(head, isTooLarge, { facts, listener: settings.listener });
    const begun = new Http2ClientStream(id, request, isLast, this.#home);
    this.onProgress();
    streams.add(id, begun);
    this.#home.onRequest(begun);
  }

  #takeTrailers(stream: Http2ClientStream, fields: readonly string[], isWellFormed: boolean): void {
    if (stream.isRequestWhole) stream.breakRules(ErrorCode.streamClosed);
    else if (!isWellFormed || !areTrailers(fields)) stream.breakRules(ErrorCode.protocolError);
    else stream.onRequestEnd(keepHttp2Trailers(fields));
  }

  /** RFC 9113 §5.1.2, §8.7: it may be sent again. A client that has agreed to less does not keep to its word. */
  #refuse(id: number): void {
    if (this.#hasAgreed) this.#home.fail(http2Faults.tooManyStreams);
    else this.#reset(id, ErrorCode.refusedStream);
  }

  #reset(id: number, code: ErrorCode): void {
    this.#home.streams.leave(id);
    this.#home.sender.reset(id, code);
    this.onBrokenOff();
  }

  onReset(id: number, code: number): void {
    const stream = this.#home.streams.get(id);
    if (stream !== undefined) stream.onReset(code);
    else this.#failIfIdle(id);
  }

  // What the client says of itself

  onSetting(id: number, value: number): void {
    const { sender } = this.#home;
    switch (id) {
      case Setting.headerTableBytes:
        return sender.encoder.setTableBytesMax(value);
      case Setting.enablePush:
      case Setting.enableConnectProtocol:
        return this.#failIf(value > 1 ? http2Faults.settingValue : undefined);
      case Setting.initialWindowBytes:
        return this.#setStreamWindow(value);
      // Frames of ours are never longer than everybody takes them.
      case Setting.frameBytesMax:
        return this.#failIf(
          value < FRAME_BYTES_MAX_INITIAL || value > FRAME_BYTES_MAX_MAX ? http2Faults.settingValue : undefined,
        );
      default:
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
    this.#hasAgreed = true;
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

  onGoaway(): void {
    this.#home.onGoaway();
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

  // Inside

  get #nowMs(): number {
    return this.#home.services.wheel.nowMs;
  }

  #countControl(): void {
    this.#failIf(this.#counts.addControl(this.#nowMs));
  }

  #countQuiet(): void {
    this.#failIf(this.#counts.addQuiet(this.#nowMs));
  }

  /** RFC 9113 §5.1: a frame that may stand on a stream that has ended. */
  #failIfIdle(id: number): void {
    if (this.#home.streams.placeOf(id) === 'idle') this.#home.fail(http2Faults.idleStream);
    else this.#countQuiet();
  }

  /** A frame that may stand on an open stream only, unless it was under way when we reset that. */
  #failUnlessLeft(id: number): void {
    const place = this.#home.streams.placeOf(id);
    if (place === 'left') this.#countQuiet();
    else if (place === 'idle') this.#home.fail(http2Faults.idleStream);
    else this.#home.fail(place === 'ended' ? http2Faults.closedStream : http2Faults.streamId);
  }

  #failIf(fault: Http2Fault | undefined): void {
    if (fault !== undefined) this.#home.fail(fault);
  }
}
