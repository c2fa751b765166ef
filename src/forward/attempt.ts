/**
 * One try of an exchange against one endpoint: waits for a connection, carries the request, and passes on what is answered.
 * Several may run for one exchange, so each knows its owner and says who it is.
 */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AttemptStep } from '#http/exchange-journal.ts';
import { type AnswerEvents, type AnswerHead, type TimeLimit, toTimeoutDetail, type UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { CallTaker, PoolWaiter } from '#http/upstream-pool.ts';
import type { AttemptOutcome } from '#services/attempt-outcome.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { getField } from '#wire/fields/field-list.ts';
import { grpcStatusNames, parseGrpcStatus, toHttpStatus } from '#wire/grpc/grpc-status.ts';
import { type AttemptWatch, beginStep, endStep, noteHead } from './attempt-step.ts';
import { CallDeadline } from './call-deadline.ts';

/** Who makes attempts. After `onAttemptEnd` or `onAttemptFailed` an attempt says nothing more, and nothing at all once it is left. */
export interface AttemptOwner {
  /** There is a connection: the request is to be sent. */
  onAttemptReady(attempt: Attempt, call: UpstreamCall): void;
  onAttemptInformational(attempt: Attempt, head: AnswerHead): void;
  onAttemptHead(attempt: Attempt, head: AnswerHead): void;
  onAttemptChunk(attempt: Attempt, view: Buffer): void;
  /** The same for a small body that is there as latin1 text. */
  onAttemptText(attempt: Attempt, text: string): void;
  onAttemptFlush(attempt: Attempt): void;
  /** More of the request body may be sent. */
  onAttemptDrained(attempt: Attempt): void;
  onAttemptEnd(attempt: Attempt, trailers: readonly string[] | undefined): void;
  onAttemptFailed(attempt: Attempt, error: GatewayError): void;
  /** Nothing of the request is still to come from its client: only the endpoint is waited for. */
  readonly isRequestWhole: boolean;
  /** A call whose answer says in a field, or in a trailer, how it has ended. */
  readonly isGrpc: boolean;
  encodeClientHeader(version: 'v1' | 'v2'): Buffer;
  /** Monotonic. */
  nowMs(): number;
}

export class Attempt implements AnswerEvents, CallTaker, AttemptOutcome {
  readonly service: Service;
  readonly endpoint: Endpoint;
  readonly startedMs: number;
  headMs = 0;
  endedMs = 0;
  /** Of a call of gRPC that has failed: the status of HTTP that says as much. */
  status = 0;
  /** With which a call of gRPC has ended; -1: it has not said. */
  grpcStatus = -1;
  error: GatewayError | undefined = undefined;
  isCancelled = false;
  /** It had a connection that was used before. */
  wasReused = false;
  /** Where it is noted what becomes of it; `undefined`: nobody watches. */
  readonly #step: AttemptStep | undefined;
  #owner: AttemptOwner;
  #deadline: CallDeadline | undefined = undefined;
  #waiter: PoolWaiter | undefined = undefined;
  #call: UpstreamCall | undefined = undefined;
  #hadConnection = false;
  #isOver = false;

  constructor(service: Service, endpoint: Endpoint, owner: AttemptOwner, watch?: AttemptWatch) {
    this.service = service;
    this.endpoint = endpoint;
    this.#owner = owner;
    this.startedMs = owner.nowMs();
    this.#step = watch && beginStep(watch, this);
    endpoint.enter();
  }

  /** Until the head of its answer is there, it may take so long. Called before it is started. */
  limit(limit: TimeLimit, wheel: TimerWheel): void {
    const toError = () => upstreamErrors.attemptTimeout(toTimeoutDetail(limit));
    this.#deadline = new CallDeadline(wheel, toError, (error) => this.#giveUp(error));
    this.#deadline.start(limit.ms);
  }

  /** Asks for a connection. What follows may be said before this returns. `isFresh`: one that nobody has used. */
  start(isFresh: boolean): void {
    const waiter = this.endpoint.pool.take(this, { isFresh });
    if (!this.#isOver) this.#waiter = waiter;
  }

  get call(): UpstreamCall | undefined {
    return this.#call;
  }

  /** How the answer that has come would be named in a log. */
  get said(): string | number {
    return this.grpcStatus <= 0 ? this.status : `grpc-${grpcStatusNames[this.grpcStatus - 1]}`;
  }

  /** Nobody awaits anything of this attempt any more. `error`: it has had all the time that there was. */
  leave(error?: GatewayError): void {
    if (this.#isOver) return;
    const call = this.#call;
    this.#waiter?.leave();
    this.isCancelled = error === undefined || this.headMs > 0 || !this.#owner.isRequestWhole;
    this.#end(this.isCancelled ? undefined : error);
    call?.cancel();
  }

  /** Another one was answered first. */
  noteSlower(): void {
    if (this.#step !== undefined) this.#step.outcome = 'slower';
  }

  /** The answer is not wanted. A short one is read to its end, so that its connection can be used again. */
  discard({ contentLengthBytes }: AnswerHead): void {
    const call = this.#call;
    if (this.#step !== undefined) this.#step.outcome = 'unwanted';
    this.#end(undefined);
    this.#owner = nobody;
    if (contentLengthBytes < 0 || contentLengthBytes > limits.discardedBodyBytesMax) call?.cancel();
  }

  /** The protocol has been changed: the connection belongs to somebody else from now on, who calls this when it is over. */
  endTunnel(): void {
    this.#end(undefined);
  }

  get hadConnection(): 'new' | 'used' | undefined {
    if (!this.#hadConnection) return undefined;
    return this.wasReused ? 'used' : 'new';
  }

  // From the pool

  onCall(call: UpstreamCall): void {
    this.#waiter = undefined;
    this.#call = call;
    this.#hadConnection = true;
    this.wasReused = call.isReused;
    if (this.#step !== undefined && call.isReused) this.#step.connectedMs = this.#owner.nowMs();
    this.#owner.onAttemptReady(this, call);
  }

  onNoCall(error: GatewayError): void {
    this.#fail(error);
  }

  encodeClientHeader(version: 'v1' | 'v2'): Buffer {
    return this.#owner.encodeClientHeader(version);
  }

  // From the upstream

  onUpstreamConnected(): void {
    if (this.#step !== undefined) this.#step.connectedMs = this.#owner.nowMs();
  }

  onInformational(head: AnswerHead): void {
    this.#owner.onAttemptInformational(this, head);
  }

  onUpstreamHead(head: AnswerHead): void {
    this.headMs = this.#owner.nowMs();
    this.#deadline?.end();
    this.status = head.status;
    if (this.#step !== undefined) noteHead(this.#step, this);
    if (head.status === 200 && this.#owner.isGrpc) this.#readGrpcStatus(head.fields);
    this.#owner.onAttemptHead(this, head);
  }

  onUpstreamChunk(view: Buffer): void {
    this.#owner.onAttemptChunk(this, view);
  }

  onUpstreamText(text: string): void {
    this.#owner.onAttemptText(this, text);
  }

  onUpstreamFlush(): void {
    this.#owner.onAttemptFlush(this);
  }

  onUpstreamDrained(): void {
    this.#owner.onAttemptDrained(this);
  }

  onUpstreamEnd(trailers: readonly string[] | undefined): void {
    if (trailers !== undefined && this.status === 200 && this.#owner.isGrpc) this.#readGrpcStatus(trailers);
    this.#end(undefined);
    this.#owner.onAttemptEnd(this, trailers);
  }

  onUpstreamError(error: GatewayError): void {
    this.#fail(error);
  }

  // Inside

  #readGrpcStatus(fields: readonly string[]): void {
    const text = getField(fields, 'grpc-status');
    const code = text === undefined ? undefined : parseGrpcStatus(text);
    if (code === undefined) return;
    this.grpcStatus = code;
    if (code > 0) this.status = toHttpStatus(code);
  }

  #giveUp(error: GatewayError): void {
    this.#waiter?.leave();
    // The client may be the slow one.
    this.isCancelled = !this.#owner.isRequestWhole;
    // First, so that whoever goes on finds the place of the connection free.
    this.#call?.cancel();
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#end(error);
    this.#owner.onAttemptFailed(this, error);
  }

  #end(error: GatewayError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline?.end();
    this.#waiter = undefined;
    this.#call = undefined;
    this.error = error;
    this.endedMs = this.#owner.nowMs();
    if (this.#step !== undefined) endStep(this.#step, this);
    this.endpoint.leave();
    this.service.onAttemptEnded(this);
  }
}

/** Owns attempts whose answer is read to its end for nothing. */
const nobody: AttemptOwner = {
  onAttemptReady: () => undefined,
  onAttemptInformational: () => undefined,
  onAttemptHead: () => undefined,
  onAttemptChunk: () => undefined,
  onAttemptText: () => undefined,
  onAttemptFlush: () => undefined,
  onAttemptDrained: () => undefined,
  onAttemptEnd: () => undefined,
  onAttemptFailed: () => undefined,
  isRequestWhole: true,
  isGrpc: false,
  encodeClientHeader: () => Buffer.alloc(0),
  nowMs: () => 0,
};
