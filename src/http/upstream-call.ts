/** One request under way to an upstream, whatever version of HTTP is spoken there. */
import type { ErrorDetail, GatewayError } from '#base/errors.ts';
import type { TunnelStream } from '#net/tunnel.ts';
import type { Exchange } from './exchange.ts';
import type { SentTrace } from './exchange-trace.ts';

/** The head of an answer as an upstream gave it, checked. */
export interface AnswerHead {
  readonly status: number;
  /** End-to-end fields, names in lower case and values, alternating. Holds no `content-length`. */
  readonly fields: string[];
  /** The same as HTTP/1 lines, where they are there already. */
  readonly fieldText: string | undefined;
  /** Status line, fields and `content-length` as HTTP/1 text, where it could go on to a client as it came. */
  readonly messageText?: string | undefined;
  /** -1: not given. */
  readonly contentLengthBytes: number;
  /** Fields that the gateway sets itself may be among them. */
  readonly hasForwardingFields: boolean;
  readonly hasDate: boolean;
  /** The protocol that a 101 changes to. */
  readonly upgrade: string | undefined;
}

/** Who awaits an answer. After `onUpstreamEnd` or `onUpstreamError` nothing more is said. */
export interface AnswerEvents {
  /** The connection was opened, or found room, for this request. */
  onUpstreamConnected(): void;
  onInformational(head: AnswerHead): void;
  onUpstreamHead(head: AnswerHead): void;
  /** The view is lent as by `StreamOwner.onBytes`. */
  onUpstreamChunk(view: Buffer): void;
  /** The same for a small body that is there as latin1 text. */
  onUpstreamText(text: string): void;
  onUpstreamEnd(trailers: readonly string[] | undefined): void;
  /** What one read brought has been said. */
  onUpstreamFlush(): void;
  /** More of the request body may be sent, after a `sendChunk` that returned false. */
  onUpstreamDrained(): void;
  onUpstreamError(error: GatewayError): void;
}

/** What an attempt says itself; the rest of its head follows from the exchange. */
export interface AttemptHead {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** End-to-end fields; `undefined`: those of the request as they came. */
  fields: readonly string[] | undefined;
  readonly timeouts: AnswerTimeouts;
  /** What it says of the trace that it belongs to, behind all others. */
  trace: SentTrace | undefined;
}

export interface UpstreamTunnel {
  readonly stream: TunnelStream;
  /** What the upstream has sent behind its head. */
  readonly pendingBytes: Buffer | undefined;
  onTunnelClosed(): void;
}

/** An HTTP/1 connection is its own call, one after the other; over HTTP/2 each stream is one. */
export interface UpstreamCall {
  /** Others were answered over the same connection before. */
  readonly isReused: boolean;
  /** The upstream can say that it has not looked at the request, so that it may be sent again whatever it asks for. */
  readonly mayRefuse: boolean;
  /** The connection has ended. */
  readonly isGone: boolean;
  /** Begins a request. Its head is written with the first piece of its body, or at `flush`. */
  send(events: AnswerEvents, exchange: Exchange, attempt: AttemptHead): void;
  /** False: wait for `onUpstreamDrained`, and keep the view as it is until then. */
  sendChunk(view: Buffer): boolean;
  /** False as for `sendChunk`. */
  flush(): boolean;
  sendEnd(trailers: readonly string[] | undefined): void;
  pauseAnswer(): void;
  resumeAnswer(): void;
  /** Nobody awaits the answer any more. */
  cancel(): void;
  /** Hands the stream over after the protocol has been changed. */
  takeTunnel(): UpstreamTunnel;
}

/** How long something may take, and the setting that says so: errors name it. */
export interface TimeLimit {
  readonly ms: number;
  readonly setting: string;
}

/** How long an upstream may take for its answer. */
export interface AnswerTimeouts {
  /** From the last byte sent to the first byte of the answer. */
  readonly firstByte: TimeLimit;
  /** Between two pieces of the answer. */
  readonly idle: TimeLimit;
}

/** For the log, of a limit that has passed. */
export function toTimeoutDetail({ ms, setting }: TimeLimit): ErrorDetail {
  return { timeoutMs: ms, setting };
}
