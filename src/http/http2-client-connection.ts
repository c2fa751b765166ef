/**
 * The server side of one HTTP/2 connection, on Node's own session: many requests at a time, each a stream with an exchange
 * of its own. Everything that arrives is attacker-controlled; what can be counted is limited by the session
 * (docs/decisions/0012-http2.md).
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import type { ClientConnection } from './client-connection.ts';
import { clientErrors } from './client-errors.ts';
import { ClientFacts } from './client-facts.ts';
import { Http2ClientRequest } from './http2-client-request.ts';
import { Http2ClientStream, type StreamHome } from './http2-client-stream.ts';
import { endSessionWithSocket, SessionKeeper } from './http2-session-memory.ts';
import { MinuteCount } from './minute-count.ts';
import type { Http2Limits, ServerServices, ServerSettings } from './server-settings.ts';

/** A session that knows its connection, so that its listeners can be shared functions. */
interface OwnedSession extends ServerHttp2Session {
  gatehouseConnection?: Http2ClientConnection;
}

interface OwnedSocket extends Socket {
  gatehouseConnection?: Http2ClientConnection;
}

const END_STREAM = 1;

export class Http2ClientConnection extends WheelTimer implements ClientConnection, StreamHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  readonly facts: ClientFacts;
  readonly #socket: Socket;
  readonly keeper: SessionKeeper;
  readonly #session: ServerHttp2Session;
  readonly #resetsMax: number;
  #streamCount = 0;
  readonly #controlFrames = new MinuteCount();
  readonly #brokenOff = new MinuteCount();
  /** Requests that have come in this round of reading. */
  #begun: Http2ClientStream[] = [];
  /** Streams to be ended when what is being read has been handled. */
  #unneeded: { readonly stream: ServerHttp2Stream; readonly error: Error | undefined }[] | undefined = undefined;
  #isDraining = false;
  #isClosed = false;

  constructor(accepted: AcceptedConnection, settings: ServerSettings, services: ServerServices, http2: Http2Limits) {
    super();
    this.settings = settings;
    this.services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    this.#resetsMax = http2.resetsPerMinuteMax;
    const socket: OwnedSocket = accepted.takeSocket();
    this.#socket = socket;
    const session = performServerHandshake(socket, toSessionOptions(http2, settings)) as OwnedSession;
    this.#session = session;
    this.keeper = new SessionKeeper(session);
    endSessionWithSocket(socket);
    session.gatehouseConnection = this;
    socket.gatehouseConnection = this;
    session.on('stream', onStream as (stream: ServerHttp2Stream) => void);
    session.on('ping', onControlFrame);
    session.on('remoteSettings', onControlFrame);
    session.on('error', onError);
    session.on('close', onClose);
    socket.on('error', onSocketError);
    socket.on('end', onEnd);
    session.setLocalWindowSize(http2.connectionWindowBytes);
    services.wheel.arm(this, settings.headTimeoutMs);
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    // GOAWAY; the session ends with its last stream.
    if (!this.#session.closed) this.#session.close();
    if (this.#streamCount === 0) this.#linger();
  }

  close(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** No request runs, and none has come for a while. */
  override onDeadline(): void {
    if (this.#isDraining) this.close();
    else this.drain();
  }

  describeClient(): ProxiedClient {
    return this.facts.describe(this.#socket);
  }

  // From the session

  onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { facts, settings, services } = this;
    services.wheel.disarm(this);
    this.#streamCount += 1;
    this.onProgress();
    const request = new Http2ClientRequest(raw, (flags & END_STREAM) === 0, { facts, listener: settings.listener });
    // Not while the session reads: what is broken off in the same packet costs nobody else anything.
    if (this.#begun.length === 0) setImmediate(beginStreams, this);
    this.#begun.push(new Http2ClientStream(stream, request, this));
  }

  beginStreams(): void {
    const begun = this.#begun;
    this.#begun = [];
    for (const stream of begun) stream.begin();
  }

  /** Each is answered, so a client could keep a thread busy with them for nothing. */
  onControlFrame(): void {
    if (this.#controlFrames.add(this.services.wheel.nowMs) > limits.http2ControlFramesPerMinuteMax)
      this.#endAbuse('control frames');
  }

  /** The client sends nothing more, so it is gone: there is no use for half a connection in HTTP/2. */
  onEnd(): void {
    if (this.#session.destroyed) this.#socket.destroy();
    else this.#session.destroy();
  }

  onFault(error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_HTTP2') && !this.#isClosed) this.services.owner.onProtocolFault(this, error.message);
  }

  onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.services.wheel.remove(this);
    this.#socket.destroy();
    this.services.owner.onConnectionClosed(this);
  }

  // From the streams

  onProgress(): void {
    this.#controlFrames.reset();
  }

  /** Not at once: Node aborts the whole process when a stream with trailers to send is closed while the session reads. */
  endSoon(stream: ServerHttp2Stream, error: Error | undefined): void {
    if (this.#unneeded === undefined) {
      this.#unneeded = [];
      setImmediate(endUnneeded, this);
    }
    this.#unneeded.push({ stream, error });
  }

  endUnneeded(): void {
    const unneeded = this.#unneeded;
    this.#unneeded = undefined;
    for (const { stream, error } of unneeded ?? []) {
      if (error === undefined) stream.close(constants.NGHTTP2_NO_ERROR);
      // Not `close`, which would first send what makes a broken answer look whole.
      else stream.destroy(error);
    }
  }

  onStreamClosed(isBrokenOff: boolean): void {
    this.#streamCount -= 1;
    if (this.#isClosed || this.#session.destroyed) return;
    // CVE-2023-44487: requests that are begun and broken off cost the client nothing.
    if (isBrokenOff && this.#brokenOff.add(this.services.wheel.nowMs) > this.#resetsMax) this.#endAbuse('requests broken off');
    else if (this.#streamCount > 0) return;
    else if (this.#isDraining) this.#linger();
    else this.services.wheel.arm(this, this.settings.keepAliveTimeoutMs);
  }

  // Inside

  /** For the client to close its side. */
  #linger(): void {
    if (!this.#isClosed) this.services.wheel.arm(this, this.settings.lingerMs);
  }

  #endAbuse(what: string): void {
    if (this.#session.destroyed) return;
    const reason = `too many ${what}`;
    this.services.owner.onProtocolFault(this, reason);
    this.#session.destroy(clientErrors.gone({ reason }), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

function toSessionOptions(http2: Http2Limits, { decoderLimits }: ServerSettings): ServerOptions {
  const windowsBytes = http2.streamsMax * http2.windowBytes;
  return {
    settings: {
      enablePush: false,
      maxConcurrentStreams: http2.streamsMax,
      initialWindowSize: http2.windowBytes,
      maxHeaderListSize: http2.headerListBytesMax,
      // RFC 8441: WebSockets.
      enableConnectProtocol: true,
    },
    // The session counts the pseudo fields too.
    maxHeaderListPairs: decoderLimits.fieldCountMax + PSEUDO_FIELDS,
    maxSendHeaderBlockLength: limits.http2AnswerHeadBytesMax,
    maxSessionMemory: Math.ceil(windowsBytes / MEGABYTE) + SESSION_MEGABYTES,
    maxSessionInvalidFrames: limits.http2InvalidFramesMax,
    maxSessionRejectedStreams: limits.http2RejectedStreamsMax,
    maxOutstandingPings: limits.http2OutstandingPingsMax,
    maxSettings: limits.http2SettingsMax,
    // Requests that are broken off are counted here, with a code that says why the connection ends; this is for what is not seen.
    streamResetBurst: SESSION_LEEWAY * http2.resetsPerMinuteMax,
    streamResetRate: Math.max(1, Math.ceil((SESSION_LEEWAY * http2.resetsPerMinuteMax) / 60)),
    // What an upstream or a policy has repeated goes on as it is, as over HTTP/1. The types do not know it yet.
    strictSingleValueFields: false,
  } as ServerOptions;
}

const MEGABYTE = 1_000_000;
const PSEUDO_FIELDS = 5;
const SESSION_LEEWAY = 2;
/** For everything but request bodies. */
const SESSION_MEGABYTES = 32;

function onStream(this: OwnedSession, stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: readonly string[]): void {
  this.gatehouseConnection!.onStream(stream, flags, raw);
}

function onControlFrame(this: OwnedSession): void {
  this.gatehouseConnection!.onControlFrame();
}

function onError(this: OwnedSession, error: Error): void {
  this.gatehouseConnection!.onFault(error);
}

function onClose(this: OwnedSession): void {
  this.gatehouseConnection!.onClosed();
}

function onSocketError(this: OwnedSocket): void {
  // Its end follows, and with it that of the session.
}

function onEnd(this: OwnedSocket): void {
  this.gatehouseConnection!.onEnd();
}

function beginStreams(connection: Http2ClientConnection): void {
  connection.beginStreams();
}

function endUnneeded(connection: Http2ClientConnection): void {
  connection.endUnneeded();
}
