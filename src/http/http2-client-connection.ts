/**
 * The server side of one HTTP/2 connection: many requests at a time, each a stream with an exchange of its own
 * (docs/decisions/0015-own-http2.md). What the frames mean is the receiver's part, and how answers share the connection the
 * sender's; here is how it begins and ends.
 */
import { WheelTimer } from '#base/timer-wheel.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { ErrorCode } from '#wire/http2/error-codes.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import { Setting, STREAM_ID_MAX, WINDOW_BYTES_INITIAL } from '#wire/http2/frame-types.ts';
import type { ClientConnection } from './client-connection.ts';
import { ClientFacts } from './client-facts.ts';
import type { Http2ClientStream } from './http2-client-stream.ts';
import { Http2RequestReceiver, type RequestReceiverHome } from './http2-request-receiver.ts';
import { Http2Sender } from './http2-sender.ts';
import type { HomeStream } from './http2-stream-home.ts';
import { Http2Streams } from './http2-streams.ts';
import type { Http2Limits, ServerServices, ServerSettings } from './server-settings.ts';

/**
 * `leaving`: the client has been told that the connection will end, and what it had sent by then is still answered. `left`: it
 * knows which request was the last one. `ended`: our side has ended, and what still comes is thrown away.
 */
const Phase = { open: 0, leaving: 1, left: 2, ended: 3 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** How long a client may take to answer that it has read GOAWAY. */
const LEAVING_MS = 1_000;
const pingPayload = Buffer.alloc(8);

export class Http2ClientConnection extends WheelTimer implements ClientConnection, StreamOwner, RequestReceiverHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  readonly facts: ClientFacts;
  readonly sender: Http2Sender;
  readonly streams = new Http2Streams<Http2ClientStream>();
  readonly #stream: ByteStream;
  readonly #receiver: Http2RequestReceiver;
  readonly #settingsTimer: SettingsTimer;
  #phase: Phase = Phase.open;
  /** The last request that has been looked at. */
  #lastId = 0;
  /** Requests that have come in this round of reading. */
  #begun: Http2ClientStream[] = [];
  /** Requests of whose bodies something has. */
  #read: Http2ClientStream[] = [];

  constructor(accepted: AcceptedConnection, settings: ServerSettings, services: ServerServices, http2: Http2Limits) {
    super();
    const { wheel, buffers, frames, turnEnd } = services;
    this.settings = settings;
    this.services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    this.#stream = new ByteStream(this, buffers, accepted.makeSocket);
    this.sender = new Http2Sender({ stream: this.#stream, frames, buffers, turnEnd });
    this.#receiver = new Http2RequestReceiver(this, http2);
    this.#settingsTimer = new SettingsTimer(this);
    this.#greet(http2);
    wheel.arm(this, settings.headTimeoutMs);
    wheel.arm(this.#settingsTimer, settings.headTimeoutMs);
  }

  /** RFC 9113 §6.8: what the client has sent before it reads that the connection will end is still answered. */
  drain(): void {
    if (this.#phase !== Phase.open) return;
    if (this.streams.count === 0) return this.#leave();
    this.#phase = Phase.leaving;
    this.sender.writer.goaway(STREAM_ID_MAX, ErrorCode.noError);
    this.sender.writer.ping(pingPayload, 0, false);
    this.sender.askFlush();
    this.services.wheel.arm(this, LEAVING_MS);
  }

  close(): void {
    this.#stream.destroy();
  }

  /** No request runs, and none has come for a while; or a client does not do what it was asked for. */
  override onDeadline(): void {
    if (this.#phase === Phase.open) this.drain();
    else if (this.#phase === Phase.leaving) this.#leave();
    else this.close();
  }

  describeClient(): ProxiedClient {
    return this.facts.describe(this.#stream.socket);
  }

  // Bytes from the client

  onBytes(bytes: Buffer, end: number): void {
    if (this.#phase === Phase.ended) return;
    this.#receiver.decode(bytes, end);
    this.#finishRead();
  }

  /** The client sends nothing more, so it is gone: there is no use for half a connection in HTTP/2. */
  onEof(): void {
    if (this.#phase !== Phase.ended || !this.sender.isWriting) this.close();
  }

  onDrained(): void {
    this.sender.onDrained();
    if (!this.sender.isCongested) this.#stream.resume();
    if (this.#phase === Phase.ended && !this.sender.isWriting) this.#stream.end();
  }

  onClosed(_error: Error | undefined): void {
    this.#phase = Phase.ended;
    this.services.wheel.remove(this);
    this.services.wheel.remove(this.#settingsTimer);
    this.#receiver.stop();
    this.sender.close();
    this.#loseStreams();
    this.services.owner.onConnectionClosed(this);
  }

  // From the receiver

  get takesRequests(): boolean {
    return this.#phase < Phase.left;
  }

  onRequest(stream: Http2ClientStream): void {
    this.#lastId = stream.id;
    if (this.#phase === Phase.open) this.services.wheel.disarm(this);
    // Not while frames are decoded: what is broken off in the same packet costs nobody else anything.
    this.#begun.push(stream);
  }

  onBodyRead(stream: Http2ClientStream): void {
    if (this.#read.at(-1) !== stream) this.#read.push(stream);
  }

  onSettingsAck(): void {
    this.services.wheel.remove(this.#settingsTimer);
  }

  onPingAck(): void {
    if (this.#phase === Phase.leaving) this.#leave();
  }

  /** The client begins nothing more over this connection. */
  onGoaway(): void {
    if (this.#phase < Phase.left) this.#leave();
  }

  /** RFC 9113 §5.4.1. */
  fail(fault: Http2Fault): void {
    if (this.#phase === Phase.ended) return;
    this.services.owner.onProtocolFault(this, fault.meaning);
    this.#receiver.stop();
    // What waits of their answers is not sent any more.
    this.#loseStreams();
    this.sender.writer.goaway(this.#lastId, fault.code);
    this.#end();
  }

  onSettingsTimeout(): void {
    this.fail(http2Faults.settingsTimeout);
  }

  // From the streams

  get unsentBytes(): number {
    return this.#stream.unsentBytes;
  }

  onProgress(): void {
    this.#receiver.onProgress();
  }

  onBodyUsed(bytes: number, stream: HomeStream | undefined): void {
    this.#receiver.onBodyUsed(bytes, stream);
  }

  onStreamEnded(stream: HomeStream, isBrokenOff: boolean, isLeft: boolean): void {
    const { streams } = this;
    streams.remove(stream.id);
    if (isLeft) streams.leave(stream.id);
    if (isBrokenOff) this.#receiver.onBrokenOff();
    if (streams.count > 0) return;
    if (this.#phase === Phase.left) this.#end();
    else if (this.#phase === Phase.open) this.services.wheel.arm(this, this.settings.keepAliveTimeoutMs);
  }

  // Inside

  #greet({ streamsMax, windowBytes, headerListBytesMax, connectionWindowBytes }: Http2Limits): void {
    const { writer } = this.sender;
    // RFC 8441: WebSockets.
    const connect = [Setting.enableConnectProtocol, 1];
    const sizes = [Setting.concurrentStreamsMax, streamsMax, Setting.initialWindowBytes, windowBytes];
    writer.settings([...sizes, Setting.headerListBytesMax, headerListBytesMax, ...connect]);
    if (connectionWindowBytes > WINDOW_BYTES_INITIAL) writer.windowUpdate(0, connectionWindowBytes - WINDOW_BYTES_INITIAL);
    this.sender.askFlush();
  }

  #finishRead(): void {
    const begun = this.#begun;
    const read = this.#read;
    if (begun.length > 0) {
      this.#begun = [];
      for (const stream of begun) stream.begin();
    }
    if (read.length > 0) {
      this.#read = [];
      for (const stream of read) stream.onReadEnd();
    }
    if (this.sender.isCongested) this.#stream.pause();
  }

  /** The client learns which request was the last one. */
  #leave(): void {
    this.#phase = Phase.left;
    this.services.wheel.disarm(this);
    this.sender.writer.goaway(this.#lastId, ErrorCode.noError);
    this.sender.askFlush();
    if (this.streams.count === 0) this.#end();
  }

  /** Nothing follows what is written; the client has a while to close its side. */
  #end(): void {
    if (this.#phase === Phase.ended) return;
    this.#phase = Phase.ended;
    this.#receiver.stop();
    this.services.wheel.remove(this.#settingsTimer);
    this.services.wheel.arm(this, this.settings.lingerMs);
    this.#stream.resume();
    this.sender.flush();
    if (!this.sender.isWriting) this.#stream.end();
  }

  #loseStreams(): void {
    for (const stream of [...this.streams.values()]) stream.onConnectionLost();
  }
}

/** RFC 9113 §6.5.3: settings that are not acknowledged in time end the connection. */
class SettingsTimer extends WheelTimer {
  readonly #connection: Http2ClientConnection;

  constructor(connection: Http2ClientConnection) {
    super();
    this.#connection = connection;
  }

  override onDeadline(): void {
    this.#connection.onSettingsTimeout();
  }
}
