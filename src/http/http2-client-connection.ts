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
import { ClientFacts } from './client-facts.ts';
import { Http2ClientRequest } from './http2-client-request.ts';
import { Http2ClientStream, type StreamHome } from './http2-client-stream.ts';
import type { Http2Limits, ServerServices, ServerSettings } from './server-settings.ts';

/** A session that knows its connection, so that its listeners can be shared functions. */
interface OwnedSession extends ServerHttp2Session {
  gatehouseConnection?: Http2ClientConnection;
}

const END_STREAM = 1;

export class Http2ClientConnection extends WheelTimer implements ClientConnection, StreamHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  readonly facts: ClientFacts;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #streams = new Set<Http2ClientStream>();
  /** Since the last request. */
  #controlFrames = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(accepted: AcceptedConnection, settings: ServerSettings, services: ServerServices, http2: Http2Limits) {
    super();
    this.settings = settings;
    this.services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    const socket = accepted.takeSocket();
    this.#socket = socket;
    const session = performServerHandshake(socket, toSessionOptions(http2, settings)) as OwnedSession;
    this.#session = session;
    session.gatehouseConnection = this;
    session.on('stream', onStream as (stream: ServerHttp2Stream) => void);
    session.on('ping', onControlFrame);
    session.on('remoteSettings', onControlFrame);
    session.on('error', onError);
    session.on('close', onClose);
    session.setLocalWindowSize(http2.connectionWindowBytes);
    services.wheel.arm(this, settings.headTimeoutMs);
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    // GOAWAY; the session ends with its last stream.
    if (!this.#session.closed) this.#session.close();
  }

  close(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** No request runs, and none has come for a while. */
  override onDeadline(): void {
    if (this.#isDraining) this.close();
    else if (this.#streams.size === 0) this.#endIdle();
  }

  /** Each is answered, so a client could keep a thread busy with them for nothing. */
  onControlFrame(): void {
    this.#controlFrames += 1;
    if (this.#controlFrames > limits.http2ControlFramesMax) this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { wheel } = this.services;
    wheel.disarm(this);
    this.#controlFrames = 0;
    const request = new Http2ClientRequest(raw, (flags & END_STREAM) === 0, {
      facts: this.facts,
      listener: this.settings.listener,
    });
    // Its exchange may be over before the constructor returns, but its stream closes later.
    this.#streams.add(new Http2ClientStream(stream, request, this));
  }

  describeClient(): ProxiedClient {
    return this.facts.describe(this.#socket);
  }

  onStreamClosed(stream: Http2ClientStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0 && !this.#isClosed) this.services.wheel.arm(this, this.settings.keepAliveTimeoutMs);
  }

  onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.services.wheel.remove(this);
    this.#socket.destroy();
    this.services.owner.onConnectionClosed(this);
  }

  #endIdle(): void {
    this.drain();
    // For the client to close its side.
    this.services.wheel.arm(this, this.settings.lingerMs);
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
    },
    // The session counts the four pseudo fields too.
    maxHeaderListPairs: decoderLimits.fieldCountMax + 4,
    maxSessionMemory: Math.ceil(windowsBytes / MEGABYTE) + SESSION_MEGABYTES,
    maxSessionInvalidFrames: limits.http2InvalidFramesMax,
    maxSessionRejectedStreams: limits.http2RejectedStreamsMax,
    maxOutstandingPings: limits.http2OutstandingPingsMax,
    maxSettings: limits.http2SettingsMax,
    // What a client may break off at once, and how fast that grows again.
    streamResetBurst: http2.resetsPerMinuteMax,
    streamResetRate: Math.max(1, Math.floor(http2.resetsPerMinuteMax / 60)),
    // What an upstream or a policy has repeated goes on as it is, as over HTTP/1. The types do not know it yet.
    strictSingleValueFields: false,
  } as ServerOptions;
}

const MEGABYTE = 1_000_000;
/** For everything but request bodies. */
const SESSION_MEGABYTES = 32;

function onStream(this: OwnedSession, stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: readonly string[]): void {
  this.gatehouseConnection!.onStream(stream, flags, raw);
}

function onControlFrame(this: OwnedSession): void {
  this.gatehouseConnection!.onControlFrame();
}

function onError(this: OwnedSession): void {
  // The session's end follows.
}

function onClose(this: OwnedSession): void {
  this.gatehouseConnection!.onClosed();
}
