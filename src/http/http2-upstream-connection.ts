/**
 * The client side of one HTTP/2 connection to an endpoint, which many calls share. It is open once the upstream has sent its
 * settings: until then nothing is asked of it, so that a peer which speaks something else never sees a request, and the
 * number of streams is known before it is used.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
} from 'node:http2';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import { toHttp2CodeName } from '#wire/http2/error-codes.ts';
import { type LossSituation, toCallLoss, toConnectLoss } from './connect-loss.ts';
import { endSessionWithSocket, SessionKeeper, type StreamMemory } from './http2-session-memory.ts';
import { type CallCarrier, Http2UpstreamCall, type Http2UpstreamServices } from './http2-upstream-call.ts';
import { toTimeoutDetail } from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

/** Where a connection says what has become of it. */
export interface Http2ConnectionHome {
  /** There may be room, more or less than before. */
  onRoom(connection: Http2UpstreamConnection): void;
  /** It takes no more calls. Those that it has may go on. */
  onConnectionLeft(connection: Http2UpstreamConnection): void;
  /** Calls that it cannot begin: it allows fewer than were assumed, or none any more. */
  onSurplusCalls(calls: readonly Http2UpstreamCall[]): void;
}

const State = { connecting: 0, greeting: 1, open: 2, leaving: 3, closed: 4 } as const;
type State = (typeof State)[keyof typeof State];

const Watch = { handshake: 0, silence: 1, pong: 2, idle: 3, end: 4 } as const;
type Watch = (typeof Watch)[keyof typeof Watch];

/** After so much silence on a connection with calls, the upstream is asked whether it is there. */
const SILENCE_MS = 20_000;
/** gRPC servers end connections that ask more often than every five minutes while nothing moves. */
const FURTHER_SILENCE_MS = 310_000;
const PONG_MS = 10_000;
/** For the peer to close its side. */
const END_MS = 5_000;
/** The session does not say why it ends a stream whose head is too large, so it tolerates more than the gateway does. */
const SESSION_LEEWAY = 2;
/** The session would refuse calls beyond; what it holds is bounded by windows and limits already. */
const SESSION_MEGABYTES_MAX = 1_000;

/** More than a listener can be set to take, so that the service is the one that refuses. */
const REQUEST_HEAD_BYTES_MAX = 2 * 1024 * 1024;
/** RFC 9113 §5.1.1: numbers of streams are not used twice, and a billion of them is all that there are. */
const STREAMS_IN_ALL_MAX = 1_000_000_000;

/** Only defaults follow from it, and the gateway writes all fields itself. */
const authority = new URL('http://upstream');

const sessionOptions = {
  settings: {
    enablePush: false,
    initialWindowSize: limits.upstreamStreamWindowBytesMax,
    maxHeaderListSize: SESSION_LEEWAY * limits.headBytesMax,
  },
  maxHeaderListPairs: SESSION_LEEWAY * limits.fieldCountMax,
  maxSessionMemory: SESSION_MEGABYTES_MAX,
  maxSendHeaderBlockLength: REQUEST_HEAD_BYTES_MAX,
  // What a client or a policy has repeated goes on as it is, as over HTTP/1. The types do not know it yet.
  strictSingleValueFields: false,
} as const;

export class Http2UpstreamConnection extends WheelTimer implements CallCarrier {
  readonly #services: Http2UpstreamServices;
  readonly #home: Http2ConnectionHome;
  readonly #socket: Socket;
  readonly #calls = new Set<Http2UpstreamCall>();
  /** Calls that are to begin as soon as there is room. */
  readonly #waiting = new Set<Http2UpstreamCall>();
  readonly scheme: 'http' | 'https';
  #session: ClientHttp2Session | undefined = undefined;
  #keeper: SessionKeeper | undefined = undefined;
  #state: State = State.connecting;
  #watch: Watch = Watch.handshake;
  #begunCount = 0;
  #begunInAll = 0;
  #windowBytes: number = limits.upstreamStreamWindowBytesMax;
  #bytesSeen = 0;
  #error: Error | undefined = undefined;
  #lastStreamId = Number.POSITIVE_INFINITY;
  #dirty: Http2UpstreamCall[] = [];
  #unneeded: ClientHttp2Stream[] = [];
  #isRoundDue = false;
  /** Streams at a time, as the upstream says. Before it has, what its other connections were told. */
  streamsMax: number;
  answerCount = 0;
  /** The upstream has refused a call and not answered another since. */
  isRefusing = false;
  /** Why the connection ends, where the upstream has said so. */
  lossReason: string | undefined = undefined;

  constructor(socket: Socket, streamsMax: number, services: Http2UpstreamServices, home: Http2ConnectionHome) {
    super();
    this.#socket = socket;
    this.#services = services;
    this.#home = home;
    this.streamsMax = streamsMax;
    this.scheme = 'encrypted' in socket ? 'https' : 'http';
    socket.once(this.scheme === 'https' ? 'secureConnect' : 'connect', () => this.#greet());
    socket.on('error', (error) => {
      this.#error ??= error;
      // A session does not notice an alert of TLS, and would wait for ever.
      socket.destroy();
    });
    socket.once('close', () => this.#onClosed());
    services.wheel.arm(this, services.connectLimit.ms);
  }

  get callCount(): number {
    return this.#calls.size;
  }

  get hasRoom(): boolean {
    return this.#state <= State.open && this.#calls.size < this.streamsMax;
  }

  /** It carries nothing any more. */
  get isLost(): boolean {
    return this.#state === State.closed || this.#session?.destroyed === true;
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

  openStream(fields: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    // The types do not know lists yet.
    return this.#session!.request(fields as unknown as Record<string, string>, options);
  }

  memoryOf(stream: ClientHttp2Stream): StreamMemory {
    return this.#keeper?.memoryOf(stream);
  }

  keepSessionFor(memory: StreamMemory): void {
    this.#keeper?.keepFor(memory);
  }

  /** A stream has ended that had not come to its end: all others may be about to. */
  onBrokenStream(): void {
    if (this.#session?.destroyed === true) this.leave();
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

  /** RFC 9113 §6.8: the upstream has not looked at streams beyond the last one that it names as it goes. */
  isBeyondLast(streamId: number | undefined): boolean {
    return streamId !== undefined && streamId > this.#lastStreamId;
  }

  toLoss(streamError: Error | undefined, situation: LossSituation): GatewayError {
    const error = this.#error ?? streamError;
    // The session found a mistake in what the upstream sent.
    if (codeOf(error) === 'ERR_HTTP2_ERROR') return upstreamErrors.malformedAnswer({ reason: error!.message }, { cause: error });
    if (this.lossReason === undefined) return toCallLoss(error, situation);
    const detail = { reason: this.lossReason };
    if (situation.hasAnswerBegun) return upstreamErrors.truncatedBody(detail);
    return situation.isBeingAnswered ? upstreamErrors.truncatedHead(detail) : upstreamErrors.lostBeforeAnswer(detail);
  }

  /** The clients of all marked calls are flushed together when everything that was read has been handled. */
  markDirty(call: Http2UpstreamCall): void {
    call.isDirty = true;
    this.#dirty.push(call);
    this.#endRoundSoon();
  }

  /** Not at once: Node aborts the whole process when a stream with trailers to send is closed while the session reads. */
  resetSoon(stream: ClientHttp2Stream): void {
    this.#unneeded.push(stream);
    this.#endRoundSoon();
  }

  endRound(): void {
    this.#isRoundDue = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const call of dirty) call.flushAnswer();
    const unneeded = this.#unneeded;
    this.#unneeded = [];
    for (const stream of unneeded) cancel(stream);
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
        return this.#lose('no answer to PING');
      case Watch.idle:
        return this.leave();
      default:
        this.#socket.destroy();
    }
  }

  // Beginning

  #greet(): void {
    const socket = this.#socket;
    const protocol = this.scheme === 'https' ? (socket as TLSSocket).alpnProtocol : 'h2';
    // RFC 9113 §3.3: over TLS the protocol must have been agreed on.
    if (protocol !== 'h2') return this.#failCalls(upstreamErrors.noHttp2({ reason: 'ALPN', alpn: protocol || 'none' }));
    this.#state = State.greeting;
    const session = connect(authority, { ...sessionOptions, createConnection: () => socket });
    this.#session = session;
    this.#keeper = new SessionKeeper(session);
    endSessionWithSocket(socket);
    session.once('connect', () => session.setLocalWindowSize(limits.upstreamHeldBytesMax));
    session.on('remoteSettings', ({ maxConcurrentStreams }) => this.#onSettings(maxConcurrentStreams));
    session.on('localSettings', () => this.#adjustWindow());
    session.on('goaway', (code, lastStreamId) => this.#onGoaway(code, lastStreamId));
    session.on('error', (error) => {
      this.#error ??= error;
    });
  }

  #onSettings(allowed: number | undefined): void {
    this.streamsMax = Math.min(allowed ?? limits.upstreamStreamsMax, limits.upstreamStreamsMax);
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

  #begin(call: Http2UpstreamCall): void {
    if (call.isWebSocket && this.#session?.remoteSettings.enableConnectProtocol !== true)
      return call.fail(upstreamErrors.noWebSocket());
    this.#begunCount += 1;
    call.begin();
    this.#adjustWindow();
    if (++this.#begunInAll === STREAMS_IN_ALL_MAX) this.leave();
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
    this.#home.onSurplusCalls([...this.#waiting]);
    if (this.#state <= State.open) return;
    const reason = this.lossReason ?? 'GOAWAY';
    for (const call of [...this.#waiting]) call.fail(upstreamErrors.unprocessed({ reason }));
  }

  // Going on

  /** The session takes what comes for the connection at once, so the windows of the streams alone bound what is held. */
  #adjustWindow(): void {
    const windowBytes = toWindowBytes(this.#begunCount, this.#windowBytes);
    const session = this.#session;
    if (windowBytes === this.#windowBytes || this.#state !== State.open || session?.pendingSettingsAck !== false) return;
    this.#windowBytes = windowBytes;
    session.settings({ initialWindowSize: windowBytes });
  }

  #endRoundSoon(): void {
    if (this.#isRoundDue) return;
    this.#isRoundDue = true;
    setImmediate(endRound, this);
  }

  #watchSilence(): void {
    this.#watch = Watch.silence;
    this.#bytesSeen = this.#socket.bytesRead;
    this.#services.wheel.arm(this, SILENCE_MS);
  }

  #lookForSilence(): void {
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesSeen) return this.#watchSilence();
    this.#watch = Watch.pong;
    this.#services.wheel.arm(this, PONG_MS);
    this.#session?.ping((error) => {
      if (error === null) this.#onPong();
    });
  }

  #onPong(): void {
    if (this.#watch !== Watch.pong) return;
    this.#watchSilence();
    this.#services.wheel.arm(this, FURTHER_SILENCE_MS);
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

  #onGoaway(code: number, lastStreamId: number): void {
    this.#lastStreamId = lastStreamId;
    if (code !== 0) this.lossReason = `GOAWAY ${toHttp2CodeName(code)}`;
    this.leave();
  }

  #lose(reason: string): void {
    this.lossReason = reason;
    this.#session?.destroy();
    this.#socket.destroy();
  }

  /** With the last call gone: says goodbye and closes. */
  #end(): void {
    if (this.#watch === Watch.end) return;
    this.#watch = Watch.end;
    this.#services.wheel.arm(this, END_MS);
    if (this.#session === undefined) this.#socket.destroy();
    else this.#session.destroy();
  }

  #failCalls(error: GatewayError): void {
    this.#state = State.closed;
    this.#services.wheel.remove(this);
    this.#session?.destroy();
    this.#socket.destroy();
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
    if (this.#socket.bytesRead === 0 || codeOf(error)?.startsWith('ERR_SSL_')) return toConnectLoss(error, { isSecure });
    return upstreamErrors.noHttp2({ reason: error?.message ?? 'closed' }, { cause: error });
  }

  #onClosed(): void {
    const before = this.#state;
    if (before === State.closed) return;
    if (before === State.connecting) return this.#failCalls(this.#toConnectError());
    if (before === State.greeting) return this.#failCalls(this.#toGreetingError());
    this.#services.wheel.remove(this);
    this.#state = State.closed;
    if (before === State.open) this.#home.onConnectionLeft(this);
    this.#giveAwayWaiting();
  }
}

/** The other side has no protocol in common with us, and says so (RFC 7301 §3.2). */
const NO_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

/** By powers of four, and back only when half the streams are gone, so that settings are rarely sent. */
function toWindowBytes(streamCount: number, presentBytes: number): number {
  const { upstreamHeldBytesMax, upstreamStreamWindowBytesMax, upstreamStreamWindowBytesMin } = limits;
  let bytes: number = upstreamStreamWindowBytesMax;
  while (bytes > upstreamStreamWindowBytesMin && streamCount * bytes > upstreamHeldBytesMax) bytes /= 4;
  return bytes > presentBytes && 2 * streamCount * bytes > upstreamHeldBytesMax ? presentBytes : bytes;
}

function codeOf(error: Error | undefined): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** `close` would first send the end of a request that has none yet, and the upstream could take it for whole. */
function cancel(stream: ClientHttp2Stream): void {
  if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
  else addAbortSignal(AbortSignal.abort(), stream);
}

function endRound(connection: Http2UpstreamConnection): void {
  connection.endRound();
}
