/** What client connections are made with, whatever version of HTTP they speak. */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import type { RequestDecoderLimits } from '#wire/http1/request-decoder.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ForwardingSettings } from './client-facts.ts';
import type { Exchange, ExchangeObserver } from './exchange.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { HttpDate } from './http-date.ts';
import type { TurnEnd } from './turn-end.ts';

/** What the connections of one listener and thread share. */
export interface ServerSettings {
  readonly listener: string;
  readonly decoderLimits: RequestDecoderLimits;
  readonly forwarding: ForwardingSettings;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  /** Between two pieces of a body, in either direction, while the client is the one who is waited for. */
  readonly bodyIdleTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** A tunnel in which nothing moves for this long is ended. */
  readonly tunnelIdleMs: number;
  /** After an answer that came before the request was whole: how long the rest is read and thrown away. */
  readonly lingerMs: number;
  /** `undefined` where HTTP/2 is not spoken. */
  readonly http2: Http2Limits | undefined;
}

export interface Http2Limits {
  /** Requests at a time. */
  readonly streamsMax: number;
  /** Fields of a head, uncompressed, with 32 bytes for each. */
  readonly headerListBytesMax: number;
  readonly windowBytes: number;
  readonly connectionWindowBytes: number;
  readonly resetsPerMinuteMax: number;
}

export interface ServerServices {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly frames: FrameMemory;
  readonly turnEnd: TurnEnd;
  readonly date: HttpDate;
  readonly nextRequestId: () => string;
  readonly owner: ConnectionOwner;
}

/** Who is told what happens on a connection. */
export interface ConnectionOwner extends ExchangeObserver {
  /** A request's head is there. Its answer may be given at once or later. */
  onExchange(exchange: Exchange): void;
  /** A request that never became an exchange was refused; `exchange` is only for the reply and the log. */
  onRefusedRequest(exchange: Exchange, error: GatewayError): void;
  onConnectionClosed(connection: ClientConnection): void;
  /** A client has broken the rules of HTTP/2, or worn them out, and its connection ends. */
  onProtocolFault(connection: ClientConnection, reason: string): void;
  /** The client speaks HTTP/2 without having said so before: what it was accepted as goes on, and this one is over. */
  onHttp2(connection: ClientConnection, accepted: AcceptedConnection): void;
}
