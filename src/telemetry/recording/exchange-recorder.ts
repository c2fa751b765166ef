/**
 * Listens to one exchange: keeps its heads and the beginnings of its bodies, and makes a line of them when it is over. Everything
 * passes by untouched and at once.
 */
import type { GatewayError } from '#base/errors.ts';
import type { ClientRequest, ClientSide, Exchange, TunnelSide } from '#http/exchange.ts';
import { type ExchangeTap, PassedEvents, type TappedAttempt } from '#http/exchange-tap.ts';
import type { ResponseHead } from '#http/response.ts';
import type { AnswerEvents, AnswerHead, AttemptHead } from '#http/upstream-call.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { type BodyBudget, KeptBody } from './kept-body.ts';

export interface BodyLimits {
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
}

export interface TappedAnswer {
  status: number;
  fields: readonly string[];
  trailers: readonly string[] | undefined;
  isWhole: boolean;
  readonly body: KeptBody;
}

export interface TappedCall {
  readonly attempt: TappedAttempt;
  readonly head: AttemptHead;
  readonly fields: readonly string[];
  readonly answer: TappedAnswer;
  code: string | undefined;
}

/** Calls of one exchange that are kept; an aggregate with more of them is recorded without the rest. */
const CALLS_MAX = 64;

export class ExchangeRecorder implements ExchangeTap {
  readonly exchange: Exchange;
  /** As the client sent it. */
  readonly request: ClientRequest;
  readonly requestBody: KeptBody;
  readonly answer: TappedAnswer;
  readonly calls: TappedCall[] = [];
  readonly #limits: BodyLimits;
  readonly #budget: BodyBudget;

  constructor(exchange: Exchange, bodyLimits: BodyLimits, budget: BodyBudget) {
    this.exchange = exchange;
    this.request = exchange.request;
    this.#limits = bodyLimits;
    this.#budget = budget;
    this.requestBody = new KeptBody(bodyLimits.requestBytesMax, budget);
    this.answer = this.#createAnswer();
    const client = new RecordedClient(exchange.client, this.answer);
    exchange.client = client;
    exchange.answer = client;
  }

  onRequestChunk(exchange: Exchange, view: Buffer): void {
    if (exchange === this.exchange) this.requestBody.add(view);
  }

  tapAttempt(attempt: TappedAttempt, head: AttemptHead, events: AnswerEvents): AnswerEvents {
    // Something that is asked for in the background goes on when the exchange is over.
    if (this.exchange.isFinished || this.calls.length >= CALLS_MAX) return events;
    const fields = head.fields === undefined ? this.exchange.request.fields : [...head.fields];
    const call: TappedCall = { attempt, head, fields, answer: this.#createAnswer(), code: undefined };
    this.calls.push(call);
    return new RecordedEvents(events, call);
  }

  /** Gives back what it holds. */
  leave(): void {
    this.requestBody.take();
    this.answer.body.take();
    for (const { answer } of this.calls) answer.body.take();
  }

  #createAnswer(): TappedAnswer {
    const body = new KeptBody(this.#limits.answerBytesMax, this.#budget);
    return { status: 0, fields: noFields, trailers: undefined, isWhole: false, body };
  }
}

const noFields: readonly string[] = Object.freeze([]);

/** The client's side, with somebody who reads along. */
class RecordedClient implements ClientSide {
  sendText?: (text: string) => boolean;
  readonly #client: ClientSide;
  readonly #answer: TappedAnswer;

  constructor(client: ClientSide, answer: TappedAnswer) {
    this.#client = client;
    this.#answer = answer;
    if (client.sendText === undefined) return;
    this.sendText = (text) => {
      answer.body.add(Buffer.from(text, 'latin1'));
      return client.sendText!(text);
    };
  }

  sendInformational(status: number, fields: readonly string[]): void {
    this.#client.sendInformational(status, fields);
  }

  sendHead(response: ResponseHead): void {
    this.#answer.status = response.status;
    this.#answer.fields = [...response.fields];
    this.#client.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    this.#answer.body.add(view);
    return this.#client.sendChunk(view);
  }

  flush(): boolean {
    return this.#client.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.#answer.trailers = trailers;
    this.#answer.isWhole = true;
    this.#client.sendEnd(trailers);
  }

  abort(): void {
    this.#client.abort();
  }

  resumeRequestBody(): void {
    this.#client.resumeRequestBody();
  }

  pauseRequestBody(): void {
    this.#client.pauseRequestBody();
  }

  describeClient(): ProxiedClient | undefined {
    return this.#client.describeClient();
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    return this.#client.openTunnel(response);
  }
}

class RecordedEvents extends PassedEvents {
  readonly #call: TappedCall;

  constructor(events: AnswerEvents, call: TappedCall) {
    super(events);
    this.#call = call;
  }

  override onUpstreamHead(head: AnswerHead): void {
    this.#call.answer.status = head.status;
    this.#call.answer.fields = [...head.fields];
    super.onUpstreamHead(head);
  }

  override onUpstreamChunk(view: Buffer): void {
    this.#call.answer.body.add(view);
    super.onUpstreamChunk(view);
  }

  override onUpstreamText(text: string): void {
    this.#call.answer.body.add(Buffer.from(text, 'latin1'));
    super.onUpstreamText(text);
  }

  override onUpstreamEnd(trailers: readonly string[] | undefined): void {
    this.#call.answer.trailers = trailers;
    this.#call.answer.isWhole = true;
    super.onUpstreamEnd(trailers);
  }

  override onUpstreamError(error: GatewayError): void {
    this.#call.code = error.code;
    super.onUpstreamError(error);
  }
}
