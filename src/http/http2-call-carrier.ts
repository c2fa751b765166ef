import type { GatewayError } from '#base/errors.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import type { ErrorCode } from '#wire/http2/error-codes.ts';
import type { LossSituation } from './connect-loss.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { Http2Sender } from './http2-sender.ts';
import type { HomeStream } from './http2-stream-home.ts';
import type { TurnEnd } from './turn-end.ts';
import type { TimeLimit } from './upstream-call.ts';

/** What a thread lends to its HTTP/2 connections to upstreams, and how long they may take for what. */
export interface Http2UpstreamServices {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly frames: FrameMemory;
  readonly turnEnd: TurnEnd;
  readonly connectLimit: TimeLimit;
  /** How long a connection without calls is kept. */
  readonly idleMs: number;
  /** How long a call waits on an open connection for one of the streams that the upstream allows. */
  readonly roomTimeoutMs: number;
}

/** What a call needs of the connection that carries it. */
export interface CallCarrier<Call> {
  readonly scheme: 'http' | 'https';
  readonly answerCount: number;
  readonly sender: Http2Sender;
  /** What the operating system has not taken of what was written over the connection. */
  readonly unsentBytes: number;
  beginOrWait(call: Call): void;
  /** The head of an answer has come. */
  onAnswer(): void;
  /** The upstream has not looked at the request. */
  onRefused(): void;
  /** Something has been written that a request is made of. */
  onProgress(): void;
  /** So much of an answer's body has been used, or will never be. `stream` is `undefined` where that one wants no more. */
  onBodyUsed(bytes: number, stream: HomeStream | undefined): void;
  /** Breaks a stream off. */
  resetStream(id: number, code: ErrorCode): void;
  /** A stream is over. `isLeft`: the upstream may still send. */
  onStreamEnded(id: number, isLeft: boolean): void;
  toLoss(situation: LossSituation): GatewayError;
  /** The call comes from another connection. */
  adopt(call: Call): void;
  /** The call has ended, or goes elsewhere. */
  forget(call: Call): void;
}
