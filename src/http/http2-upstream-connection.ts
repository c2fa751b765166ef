/**
 * The client side of one HTTP/2 connection to an endpoint, which many calls share. It is open once the upstream has sent its
 * settings: until then nothing is asked of it, so that a peer which speaks something else never sees a request, and the
 * number of streams is known before it is used. What the frames mean is the receiver's part, and how requests share the
 * connection the sender's.
 */
import type { TLSSocket } from 'node:tls';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import { ByteStream, type SocketMaker, type StreamOwner } from '#net/byte-stream.ts';
import { ErrorCode, toHttp2CodeName } from '#wire/http2/error-codes.ts';
import type { Http2Fault } from '#wire/http2/faults.ts';
import { PREFACE, Setting, WINDOW_BYTES_INITIAL } from '#wire/http2/frame-types.ts';
import { type LossSituation, toCallLoss, toConnectLoss } from './connect-loss.ts';
import { ANSWER_LIST_BYTES_MAX, type AnswerReceiverHome, Http2AnswerReceiver } from './http2-answer-receiver.ts';
import { Http2AnswerWindows } from './http2-answer-windows.ts';
import type { CallCarrier, Http2UpstreamServices } from './http2-call-carrier.ts';
import { Http2Sender } from './http2-sender.ts';
import type { HomeStream } from './http2-stream-home.ts';
import { Http2Streams } from './http2-streams.ts';
import { Http2UpstreamCall } from './http2-upstream-call.ts';
import { toTimeoutDetail } from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

/** Where a connection says what has become of it. */
export interface Http2ConnectionHome {
  /** There may be room, more or less than before. */
  onRoom(connection: Http2UpstreamConnection): void;
  /** It takes no more calls. Those that it has may go on. */
  onConnectionLeft(connection: Http2UpstreamConnection): void;
  /** Calls that it cannot begin: it allows fewer than were assumed, or none any more. */
  onSurplusCalls(connection: Http2UpstreamConnection, calls: readonly Http2UpstreamCall[]): void;
}

/** `ended`: our side has ended, or will with what is being written, and what still comes is thrown away. */
const State = { connecting: 0, greeting: 1, open: 2, leaving: 3, ended: 4 } as const;
type State = (typeof State)[keyof typeof State];

const Watch = { handshake: 0, silence: 1, pong: 2, idle: 3, end: 4 } as const;
type Watch = (typeof Watch)[keyof typeof Watch];

/** After so much silence on a connection with calls, the upstream is asked whether it is there. */
const SILENCE_MS = 20_000;
/** gRPC servers end connections that ask more often than every five minutes while nothing moves. */
const FURTHER_SILENCE_MS = 310_000;
const PONG_MS = 10_000;
/** For the peer to take what is written, and to close its side. */
const END_MS = 5_000;

/** RFC 9113 §5.1.1: numbers of streams are not used twice, and a billion of them is all that there are. */
const STREAM_ID_LAST = 2 * 1_000_000_000 - 1;

const pingPayload = Buffer.alloc(8);

export class Http2UpstreamConnection
  extends WheelTimer
  implements CallCarrier<Http2UpstreamCall>, StreamOwner, AnswerReceiverHome
{
  readonly #services: Http2UpstreamServices;
  readonly #home: Http2ConnectionHome;
  readonly #stream: ByteStream;
  readonly #receiver: Http2AnswerReceiver;
  readonly #windows = new Http2AnswerWindows();
  readonly sender: Http2Sender;
  readonly streams = new Http2Streams<Http2UpstreamCall>();
  readonly #calls = new Set<Http2UpstreamCall>();
  /** Calls that are to begin as soon as there is room. */
  readonly #waiting = new Set<Http2UpstreamCall>();
  readonly scheme: 'http' | 'https';
  #state: State = State.connecting;
  #watch: Watch = Watch.handshake;
  #begunCount = 0;
  #bytesSeen = 0;
  #error: Error | undefined = undefined;
  /** What the upstream has done wrong, where the connection ends for that. */
  #fault: Http2Fault | undefined = undefined;
  /** Why the connection ends, where the upstream has said so. */
  #lossReason: string | undefined = undefined;
  /** Calls of whose answers something has come in this round of reading. */
  #read: Http2UpstreamCall[] = [];
  /** Streams at a time, as the upstream says. Before it has, what its other connections were told. */
  streamsMax: number;
  answerCount = 0;
  /** The upstream has refused a call and not answered another since. */
  isRefusing = false;

  constructor(makeSocket: SocketMaker, streamsMax: number, services: Http2UpstreamServices, home: Http2ConnectionHome) {
    super();
    const { wheel, buffers, frames, turnEnd } = services;
    this.#services = services;
    this.#home = home;
    this.streamsMax = streamsMax;
    this.#stream = new ByteStream(this, buffers, makeSocket);
    this.sender = new Http2Sender({ stream: this.#stream, frames, buffers, turnEnd });
    this.#receiver = new Http2AnswerReceiver(this, wheel);
    const { socket } = this.#stream;
    this.scheme = 'encrypted' in socket ? 'https' : 'http';
    socket.once(this.scheme === 'https' ? 'secureConnect' : 'connect', () => this.#greet());
    wheel.arm(this, services.connectLimit.ms);
  }

  get callCount(): number {
    return this.#calls.size;
  }

  get hasRoom(): boolean {
    return this.#state <= State.open && this.#calls.size < this.streamsMax;
  }

  get unsentBytes(): number {
    return this.#stream.unsentBytes;
  }

  createCall(): Http2UpstreamCall {
    const call = new Http2UpstreamCall(this, this.#services);
    this.#calls.add(call);
    if (this.#watch === Watch.idle) this.#watchSilence();
    return call;
  }

  /** Takes over a call of another connection. */
  adopt(call: Http2UpstreamCall): void {
    this.#calls.add(call);
    if (this.#watch === Watch.idle) this.#watchSilence();
    this.beginOrWait(call);
  }

  beginOrWait(call: Http2UpstreamCall): void {
    if (this.#state === State.open && this.#begunCount < this.streamsMax) return this.#begin(call);
    this.#waiting.add(call);
    if (this.#state === State.open) call.waitForRoom();
    else if (this.#state > State.open) this.#giveAwayWaiting();
  }

  /** A call has ended, or goes elsewhere. */
  forget(call: Http2UpstreamCall): void {
    if (!this.#calls.delete(call)) return;
    this.#waiting.delete(call);
    if (call.hasBegun) this.#begunCount -= 1;
    this.#beginWaiting();
    this.#adjustWindow();
    if (this.#calls.size === 0) this.#onUnused();
    else this.#home.onRoom(this);
  }

  // From the calls

  onProgress(): void {
    this.#receiver.onProgress();
  }

  onBodyUsed(bytes: number, stream: HomeStream | undefined): void {
    this.#receiver.onBodyUsed(bytes, stream);
  }

  resetStream(id: number, code: ErrorCode): void {
    if (this.#state < State.ended) this.sender.reset(id, code);
  }

  onStreamEnded(id: number, isLeft: boolean): void {
    this.streams.remove(id);
    if (isLeft) this.streams.leave(id);
  }

  /** The head of an answer has come. */
  onAnswer(): void {
    this.answerCount += 1;
    if (!this.isRefusing) return;
    this.isRefusing = false;
    this.#home.onRoom(this);
  }

  onRefused(): void {
    this.isRefusing = true;
    this.#home.onRoom(this);
  }

  toLoss(situation: LossSituation): GatewayError {
    const fault = this.#fault;
    if (fault !== undefined) return upstreamErrors.malformedAnswer({ reason: fault.meaning });
    if (this.#lossReason === undefined) return toCallLoss(this.#error, situation);
    const detail = { reason: this.#lossReason };
    if (situation.hasAnswerBegun) return upstreamErrors.truncatedBody(detail);
    return situation.isBeingAnswered ? upstreamErrors.truncatedHead(detail) : upstreamErrors.lostBeforeAnswer(detail);
  }

  /** Takes no more calls and ends with the last one. */
  leave(): void {
    if (this.#state >= State.leaving) return;
    this.#state = State.leaving;
    this.#home.onConnectionLeft(this);
    if (this.#calls.size === 0) this.#end();
    else this.#giveAwayWaiting();
  }

  override onDeadline(): void {
    switch (this.#watch) {
      case Watch.handshake:
        return this.#failCalls(upstreamErrors.connectTimeout(toTimeoutDetail(this.#services.connectLimit)));
      case Watch.silence:
        return this.#lookForSilence();
      case Watch.pong:
        this.#lossReason = 'no answer to PING';
        return this.#lose(ErrorCode.noError);
      case Watch.idle:
        return this.leave();
      default:
        this.#stream.destroy();
    }
  }

  // Bytes from the upstream

  onBytes(bytes: Buffer, end: number): void {
    if (this.#state === State.ended) return;
    this.#receiver.decode(bytes, end);
    const read = this.#read;
    if (read.length > 0) {
      this.#read = [];
      for (const call of read) call.onReadEnd();
    }
    if (this.sender.isCongested) this.#stream.pause();
  }

  /** The upstream sends nothing more, so it is gone: there is no use for half a connection in HTTP/2. */
  onEof(): void {
    this.#stream.destroy();
  }

  onDrained(): void {
    this.sender.onDrained();
    if (!this.sender.isCongested) this.#stream.resume();
    if (this.#state === State.ended && !this.sender.isWriting) this.#endStream();
  }

  onClosed(error: Error | undefined): void {
    this.#error = error;
    const before = this.#state;
    if (before === State.connecting) this.#failCalls(this.#toConnectError());
    else if (before === State.greeting) this.#failCalls(this.#toGreetingError());
    else if (before !== State.ended) {
      this.#state = State.ended;
      this.#loseCalls(before === State.open);
    }
    this.#services.wheel.remove(this);
    this.#receiver.stop();
    this.sender.close();
  }

  // From the receiver

  onBodyRead(call: Http2UpstreamCall): void {
    if (this.#read.at(-1) !== call) this.#read.push(call);
  }

  onSettings(): void {
    this.streamsMax = Math.min(this.#receiver.streamsMax, limits.upstreamStreamsMax);
    if (this.#state > State.open) return;
    if (this.#state !== State.open) {
      this.#state = State.open;
      if (this.#calls.size === 0) this.#onUnused();
      else this.#watchSilence();
    }
    this.#beginWaiting();
    if (this.#calls.size > this.streamsMax) this.#giveAwayWaiting();
    for (const call of this.#waiting) call.waitForRoom();
    this.#home.onRoom(this);
  }

  onSettingsAck(): void {
    this.#windows.onSettingsAck(this.streams.values());
    this.#adjustWindow();
  }

  onPingAck(): void {
    if (this.#watch !== Watch.pong) return;
    this.#watchSilence();
    this.#services.wheel.arm(this, FURTHER_SILENCE_MS);
  }

  /** RFC 9113 §6.8. After one that names an error, nothing is to be expected any more. */
  onGoaway(lastStream: number, code: number): void {
    if (code !== ErrorCode.noError) this.#lossReason = `GOAWAY ${toHttp2CodeName(code)}`;
    this.leave();
    const reason = this.#lossReason ?? 'GOAWAY';
    for (const call of [...this.streams.values()]) {
      // What it is answering it must have looked at.
      if (call.id > lastStream && !call.hasAnswerBegun) call.onRefused(reason);
    }
    if (code !== ErrorCode.noError) return this.#lose(ErrorCode.noError);
    // Some look no more at what comes behind their last answer, and close the connection only if they know that nothing will.
    if (this.#state === State.ended) return;
    this.sender.writer.goaway(0, ErrorCode.noError);
    this.sender.askFlush();
  }

  /** RFC 9113 §5.4.1. */
  fail(fault: Http2Fault): void {
    if (this.#state === State.ended) return;
    if (this.#state === State.greeting) return this.#failCalls(upstreamErrors.noHttp2({ reason: fault.meaning }));
    this.#fault = fault;
    this.#lose(fault.code);
  }

  // Beginning

  #greet(): void {
    const { socket } = this.#stream;
    const protocol = this.scheme === 'https' ? (socket as TLSSocket).alpnProtocol : 'h2';
    // RFC 9113 §3.3: over TLS the protocol must have been agreed on.
    if (protocol !== 'h2') return this.#failCalls(upstreamErrors.noHttp2({ reason: 'ALPN', alpn: protocol || 'none' }));
    this.#state = State.greeting;
    const { writer } = this.sender;
    const windows = [Setting.enablePush, 0, Setting.initialWindowBytes, this.#windows.toldBytes];
    writer.text(PREFACE);
    writer.settings([...windows, Setting.headerListBytesMax, ANSWER_LIST_BYTES_MAX]);
    writer.windowUpdate(0, limits.upstreamHeldBytesMax - WINDOW_BYTES_INITIAL);
    this.sender.askFlush();
  }

  #begin(call: Http2UpstreamCall): void {
    if (call.isWebSocket && !this.#receiver.offersConnect) return call.fail(upstreamErrors.noWebSocket());
    this.#begunCount += 1;
    const id = this.streams.lastId === 0 ? 1 : this.streams.lastId + 2;
    this.streams.begin(id);
    this.streams.add(id, call);
    call.begin(id, this.#windows.create());
    this.#receiver.onProgress();
    this.#adjustWindow();
    if (id >= STREAM_ID_LAST) this.leave();
  }

  #beginWaiting(): void {
    if (this.#state !== State.open || this.#waiting.size === 0) return;
    for (const call of this.#waiting) {
      if (this.#begunCount >= this.streamsMax) return;
      this.#waiting.delete(call);
      this.#begin(call);
    }
  }

  #giveAwayWaiting(): void {
    if (this.#waiting.size === 0) return;
    this.#home.onSurplusCalls(this, [...this.#waiting]);
    if (this.#state <= State.open) return;
    const reason = this.#lossReason ?? 'GOAWAY';
    for (const call of [...this.#waiting]) call.fail(upstreamErrors.unprocessed({ reason }));
  }

  // Going on

  #adjustWindow(): void {
    const bytes = this.#state === State.open ? this.#windows.choose(this.#begunCount) : undefined;
    if (bytes === undefined) return;
    const { writer } = this.sender;
    writer.settings([Setting.initialWindowBytes, bytes]);
    this.#windows.tell(bytes, this.streams.values());
    for (const call of this.streams.values()) {
      const increment = call.resizeWindow(bytes);
      if (increment > 0) writer.windowUpdate(call.id, increment);
    }
    this.sender.askFlush();
  }

  #watchSilence(): void {
    this.#watch = Watch.silence;
    this.#bytesSeen = this.#stream.socket.bytesRead;
    this.#services.wheel.arm(this, SILENCE_MS);
  }

  #lookForSilence(): void {
    if (this.#stream.socket.bytesRead !== this.#bytesSeen) return this.#watchSilence();
    this.#watch = Watch.pong;
    this.#services.wheel.arm(this, PONG_MS);
    this.sender.writer.ping(pingPayload, 0, false);
    this.sender.askFlush();
  }

  #onUnused(): void {
    if (this.#state === State.leaving) return this.#end();
    if (this.#state !== State.open) return;
    if (this.isRefusing) return this.leave();
    this.#watch = Watch.idle;
    this.#services.wheel.arm(this, this.#services.idleMs);
    this.#home.onRoom(this);
  }

  // Ending

  /** With the last call gone: says goodbye and closes. */
  #end(): void {
    if (this.#state === State.ended) return;
    this.#state = State.ended;
    // Nothing has been agreed on yet.
    if (this.#watch === Watch.handshake) this.#stream.destroy();
    else this.#sayGoodbye(ErrorCode.noError);
  }

  /** The connection is of no use any more, whatever is under way. */
  #lose(code: ErrorCode): void {
    const before = this.#state;
    if (before === State.ended) return;
    this.#state = State.ended;
    this.#receiver.stop();
    // What waits of their requests is not sent any more.
    this.#loseCalls(before === State.open);
    this.#sayGoodbye(code);
  }

  /** RFC 9113 §5.4.1. The upstream has begun no streams. */
  #sayGoodbye(code: ErrorCode): void {
    this.#receiver.stop();
    this.#watch = Watch.end;
    this.#services.wheel.arm(this, END_MS);
    this.sender.writer.goaway(0, code);
    this.#stream.resume();
    this.sender.flush();
    if (!this.sender.isWriting) this.#endStream();
  }

  /** Bytes that nobody reads would let the end of the connection overtake the reason for it. */
  #endStream(): void {
    if (this.#fault === undefined) this.#stream.endBoth();
    else this.#stream.end();
  }

  /** `isNew`: nobody knows yet. */
  #loseCalls(isNew: boolean): void {
    if (isNew) this.#home.onConnectionLeft(this);
    this.#giveAwayWaiting();
    for (const call of [...this.streams.values()]) call.onConnectionLost();
  }

  #failCalls(error: GatewayError): void {
    this.#state = State.ended;
    this.#services.wheel.remove(this);
    this.#receiver.stop();
    this.#stream.destroy();
    this.#home.onConnectionLeft(this);
    for (const call of [...this.#calls]) call.fail(error);
  }

  #toConnectError(): GatewayError {
    const error = this.#error;
    if (codeOf(error) === NO_PROTOCOL) return upstreamErrors.noHttp2({ reason: 'ALPN', alpn: 'refused' }, { cause: error });
    return toConnectLoss(error, { isSecure: this.scheme === 'https' });
  }

  /** Nothing has been asked yet, so nothing can have been done. */
  #toGreetingError(): GatewayError {
    const error = this.#error;
    const isSecure = this.scheme === 'https';
    // The upstream may refuse our certificate only now (RFC 8446 §4.4.2.4).
    if (this.#stream.socket.bytesRead === 0 || codeOf(error)?.startsWith('ERR_SSL_')) return toConnectLoss(error, { isSecure });
    return upstreamErrors.noHttp2({ reason: error?.message ?? 'closed' }, { cause: error });
  }
}

/** The other side has no protocol in common with us, and says so (RFC 7301 §3.2). */
const NO_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

function codeOf(error: Error | undefined): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
