/**
 * One question to a service, for everybody who waits for its answer, or for nobody where an answer is asked for anew in the background.
 * It is the client's side of an exchange of its own: no client that goes away, or reads slowly, keeps others from the answer. What is
 * kept is read to its end at once; what is not is passed on to the one who asked as it comes.
 */
import { type AnswerPart, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { CacheResult } from '#http/cache-result.ts';
import type { ClientSide, Exchange, ExchangeObserver } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { runTerminal } from '#pipeline/run.ts';
import type { Asked } from './asked.ts';
import type { ForwardReason } from './cache-status.ts';
import type { ReceivedAnswer } from './freshness.ts';
import { joinPieces, toOwnMemory } from './own-memory.ts';
import type { PartsAround } from './parts.ts';
import { type StoredHead, toFacts } from './storing.ts';
import type { FetchedBody, WaitedFor, WaitingClient } from './waiting-client.ts';

export interface FetchOrder {
  /** In whose name it is asked. */
  readonly asked: Asked;
  /** By which others find it who may wait for it too. */
  readonly key: string;
  readonly reason: ForwardReason;
  /** What is there already, and may not be used as it is. */
  readonly stale: StoredAnswer | undefined;
  /** A part of it, to which the rest is asked for. */
  readonly part: StoredAnswer | undefined;
  /** Fields by which the service is asked whether `stale` is the same still, or for the rest, in the place of the client's own. */
  readonly conditions: readonly string[] | undefined;
  /** Others may wait for it too. */
  readonly isShared: boolean;
  /** Of the store when it was asked. */
  readonly era: number;
}

export interface GivenAnswer {
  readonly answer: StoredAnswer;
  /** What `Cache-Status` says of it. */
  readonly said: string | undefined;
  readonly result: CacheResult;
}

/** What is to be done with an answer whose head is there. */
export type Verdict =
  /** This is the answer for everybody. */
  | ({ readonly kind: 'use' } & GivenAnswer)
  /** It is kept. */
  | Kept
  /** It is for the one who asked alone; `isLasting`: as the next answers of the address will be. */
  | { readonly kind: 'pass'; readonly isLasting: boolean }
  /** The service has to be asked once more, without conditions. */
  | { readonly kind: 'repeat' };

export interface Kept {
  readonly kind: 'keep';
  readonly head: StoredHead;
  /** It is a part, which has to be so long. */
  readonly part?: (AnswerPart & { readonly bytes: number }) | undefined;
  /** What is there already, so that it becomes the whole. */
  readonly around?: PartsAround | undefined;
}

export interface FetchOwner {
  readonly clock: Clock;
  readonly objectBytesMax: number;
  judge(fetch: Fetch, received: ReceivedAnswer): Verdict;
  /** The service has failed: what is used in the place of its answer, if there is something. */
  findStandIn(fetch: Fetch): GivenAnswer | undefined;
  give(client: WaitingClient, given: GivenAnswer): void;
  /** The head of what is kept, for one of those who wait. */
  begin(client: WaitingClient, fetch: Fetch, response: ResponseHead): void;
  keep(fetch: Fetch, answer: StoredAnswer): void;
  /** What is fetched is not for this one. */
  goOn(client: WaitingClient): void;
  isFor(client: WaitingClient, head: StoredHead): boolean;
  onOver(fetch: Fetch): void;
}

/** `ignoring`: everybody has an answer, and the rest of what the service says is read for its connection's sake. */
const State = { asking: 0, keeping: 1, passing: 2, ignoring: 3, over: 4 } as const;
type State = (typeof State)[keyof typeof State];

export class Fetch implements ClientSide, ExchangeObserver, WaitedFor, FetchedBody {
  readonly order: FetchOrder;
  /** The one that asks. */
  readonly exchange: Exchange;
  /** What is kept of the answer, once that is known. */
  head: StoredHead | undefined = undefined;
  /** Something has changed the resource since it was asked for: what comes is not kept, and nobody else waits for it. */
  isOutdated = false;
  /** The fields that the service was sent. */
  sentFields: readonly string[];
  pieces: Buffer[] = [];
  isWhole = false;
  trailers: readonly string[] | undefined = undefined;
  readonly #owner: FetchOwner;
  readonly #proxied: ProxiedClient | undefined;
  #waiting: WaitingClient[];
  #state: State = State.asking;
  #bytes = 0;
  #announcedBytes: number | undefined = undefined;
  #tookOver = false;
  #kept: Kept | undefined = undefined;
  /** The answer as the service gave it, before the gateway added anything. */
  #answered: { readonly status: number; readonly fields: readonly string[] } | undefined = undefined;
  #isBodySent = false;

  /** `first`: who asked; without one, nobody waits. */
  constructor(order: FetchOrder, first: WaitingClient | undefined, owner: FetchOwner) {
    const { exchange: asking } = order.asked;
    this.order = order;
    this.#owner = owner;
    this.#proxied = asking.client.describeClient();
    this.exchange = asking.derive(this, this, owner.clock.monotonicMs());
    this.sentFields = asking.request.fields;
    this.#waiting = first === undefined ? [] : [first];
    first?.waitFor(this);
  }

  start(): void {
    runTerminal(this.exchange, this.order.asked.exchange);
  }

  /** How long the answer says that its body is. */
  get announcedBytes(): number | undefined {
    return this.#announcedBytes;
  }

  /** Others wait for it too from now on. */
  join(client: WaitingClient): void {
    this.#waiting.push(client);
    client.waitFor(this);
    if (this.#state !== State.keeping) return;
    this.#owner.begin(client, this, this.#toHead());
    client.feed(this);
    client.flush();
  }

  mayJoin(): boolean {
    return this.#state === State.asking || (this.#state === State.keeping && !this.#tookOver);
  }

  // From the policy's phases

  shapeRequest({ fields }: UpstreamRequest): void {
    this.sentFields = [...fields];
    const { conditions } = this.order;
    if (conditions === undefined) return;
    let kept = 0;
    for (let i = 0; i < fields.length; i += 2) {
      if (conditional.has(fields[i]!)) continue;
      fields[kept] = fields[i]!;
      fields[kept + 1] = fields[i + 1]!;
      kept += 2;
    }
    fields.length = kept;
    for (const text of conditions) fields.push(text);
  }

  noteAnswer({ status, fields }: ResponseHead): void {
    this.#answered = { status, fields: [...fields] };
  }

  // As the client of the exchange that asks

  sendInformational(status: number, fields: readonly string[]): void {
    const first = this.#waiting[0];
    if (first?.asked === this.order.asked) first.exchange.client.sendInformational(status, fields);
  }

  sendHead(response: ResponseHead): void {
    if (this.#state !== State.asking) return;
    const { error } = this.exchange;
    if (error !== undefined) return this.#fail(error);
    this.#announcedBytes = response.contentLengthBytes;
    const verdict = this.#owner.judge(this, this.#toReceived(response));
    switch (verdict.kind) {
      case 'use':
        return this.#settle(verdict);
      case 'keep':
        return this.#keep(verdict, response);
      case 'pass':
        return this.#pass(response);
      case 'repeat':
        return this.#repeat();
      default:
        verdict satisfies never;
    }
  }

  sendChunk(view: Buffer): boolean {
    if (this.#state === State.passing) return this.#waiting[0]?.exchange.answer.sendChunk(view) ?? true;
    this.#bytes += view.length;
    if (this.#state === State.ignoring && this.#bytes > limits.discardedBodyBytesMax) this.#end();
    if (this.#state !== State.keeping) return true;
    if (this.#isAstray()) {
      this.#breakOff(upstreamErrors.truncatedBody());
      return true;
    }
    if (this.#bytes > this.#owner.objectBytesMax) return this.#goBeyond(view);
    this.pieces.push(toOwnMemory(view));
    for (const client of [...this.#waiting]) client.feed(this);
    return true;
  }

  flush(): boolean {
    if (this.#state === State.passing) return this.#waiting[0]?.exchange.answer.flush() ?? true;
    for (const client of [...this.#waiting]) client.flush();
    return true;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const state = this.#state;
    this.#state = State.over;
    this.exchange.finish(this.#owner.clock.monotonicMs());
    if (state === State.passing) this.#endPassed(trailers);
    else if (state === State.keeping) this.#endKept(trailers);
    this.#owner.onOver(this);
  }

  abort(): void {
    this.#breakOff(this.exchange.error ?? upstreamErrors.truncatedBody());
  }

  resumeRequestBody(): void {
    if (this.#isBodySent) return;
    this.#isBodySent = true;
    const { body } = this.order.asked;
    if (body !== undefined) this.exchange.takeRequestChunk(body);
    this.exchange.flushRequest();
    this.exchange.endRequest(undefined);
  }

  pauseRequestBody(): void {
    // The whole body has been handed over.
  }

  describeClient(): ProxiedClient | undefined {
    return this.#proxied;
  }

  openTunnel(): undefined {
    this.#breakOff(upstreamErrors.unexpectedUpgrade());
  }

  onExchangeFinished(): void {
    // Whoever waits is counted and logged; the one that asks is a part of that.
  }

  // From those who wait

  leave(client: WaitingClient): void {
    this.#waiting = this.#waiting.filter((other) => other !== client);
    if (this.#state === State.over || this.#state === State.ignoring) return;
    if (this.#waiting.length === 0) this.#end();
    else if (this.#tookOver) this.#drain();
  }

  onDrained(client: WaitingClient): void {
    if (this.#state === State.passing) return this.exchange.onClientDrained();
    client.feed(this);
    client.flush();
    if (this.#tookOver) this.#drain();
  }

  // Inside

  #toReceived({ status, fields }: ResponseHead): ReceivedAnswer {
    const { clock } = this.#owner;
    const answered = this.#answered;
    return {
      status,
      // With another status a fallback has answered, or a policy.
      fields: answered?.status === status ? answered.fields : [...fields],
      requestedMs: this.exchange.startedMs,
      receivedMs: clock.monotonicMs(),
      receivedWallMs: clock.wallMs(),
    };
  }

  /** There is an answer for everybody, and what the service says is not waited for. */
  #settle(given: GivenAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#state = State.ignoring;
    this.#owner.onOver(this);
    for (const client of waiting) {
      client.exchange.takeOutcome(this.exchange);
      this.#owner.give(client, given);
    }
  }

  #keep(kept: Kept, response: ResponseHead): void {
    const { head, around } = kept;
    this.#state = State.keeping;
    this.#kept = kept;
    this.head = head;
    if (around !== undefined && around.before.length > 0) this.pieces.push(around.before);
    const [first] = this.#waiting;
    for (const client of [...this.#waiting]) {
      if (!this.#owner.isFor(client, head)) this.#send(client);
      else if (client === first && client.asked === this.order.asked) {
        client.exchange.takeOutcome(this.exchange);
        if (around === undefined) client.begin(response);
        else this.#owner.begin(client, this, this.#toHead());
      } else this.#owner.begin(client, this, this.#toHead());
      client.feed(this);
    }
  }

  /** For those who wait; the one who asked gets what the service has sent. */
  #toHead(): ResponseHead {
    const { status, fields } = this.head!;
    return { status, fields: [...fields], contentLengthBytes: this.#kept?.around?.wholeBytes ?? this.#announcedBytes };
  }

  #pass(response: ResponseHead): void {
    this.#state = State.passing;
    const [first, ...others] = this.#waiting;
    for (const client of others) this.#send(client);
    if (first === undefined) return this.#end();
    // Who asked may have gone, while another one waits.
    if (first.asked !== this.order.asked) {
      this.#send(first);
      return this.#end();
    }
    first.exchange.takeOutcome(this.exchange);
    first.begin(response);
  }

  #send(client: WaitingClient): void {
    this.#waiting = this.#waiting.filter((other) => other !== client);
    this.#owner.goOn(client);
  }

  #repeat(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#state = State.ignoring;
    this.#owner.onOver(this);
    for (const client of waiting) this.#owner.goOn(client);
  }

  /** It is too long to be kept, but those who have its beginning get the rest, at the speed of the slowest. */
  #goBeyond(view: Buffer): boolean {
    this.#tookOver = true;
    this.pieces.push(toOwnMemory(view));
    for (const client of [...this.#waiting]) client.feed(this);
    return this.#dropTaken();
  }

  #drain(): void {
    if (this.#dropTaken()) this.exchange.onClientDrained();
  }

  /** Whether everybody has taken everything that came, which is let go then. */
  #dropTaken(): boolean {
    if (this.#waiting.some(({ takenCount, isBlocked }) => isBlocked || takenCount < this.pieces.length)) return false;
    for (const client of this.#waiting) client.takenCount = 0;
    this.pieces = [];
    return true;
  }

  /** A part is longer than it says that it is, so that what is behind it would not fit. */
  #isAstray(): boolean {
    const kept = this.#kept;
    return kept?.around !== undefined && this.#bytes > kept.part!.bytes;
  }

  #endKept(trailers: readonly string[] | undefined): void {
    const { part, around } = this.#kept!;
    const expectedBytes = part?.bytes ?? this.#announcedBytes;
    const isComplete = expectedBytes === undefined || expectedBytes === this.#bytes;
    if (!isComplete && around !== undefined) return this.#breakOff(upstreamErrors.truncatedBody());
    this.isWhole = true;
    this.trailers = trailers;
    if (around !== undefined && around.after.length > 0) this.pieces.push(around.after);
    if (isComplete && !this.#tookOver) {
      const bytes = around?.wholeBytes ?? this.#bytes;
      const body = this.pieces.length === 1 ? this.pieces[0]! : joinPieces(this.pieces, bytes);
      this.#owner.keep(this, new StoredAnswer(toFacts(this.head!, body, around === undefined ? part : undefined)));
    }
    for (const client of [...this.#waiting]) client.feed(this);
  }

  #endPassed(trailers: readonly string[] | undefined): void {
    const [first] = this.#waiting;
    this.#waiting = [];
    if (first === undefined || first.exchange.isFinished) return;
    first.exchange.takeOutcome(this.exchange);
    first.endPassed(trailers);
  }

  #fail(error: GatewayError): void {
    const standIn = this.#owner.findStandIn(this);
    if (standIn !== undefined) return this.#settle(standIn);
    this.#breakOff(error);
  }

  #breakOff(error: GatewayError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#end();
    for (const client of waiting) {
      client.exchange.takeOutcome(this.exchange);
      client.fail(error);
    }
  }

  /** Nobody waits for it any more. */
  #end(): void {
    if (this.#state === State.over) return;
    this.#state = State.over;
    const { exchange } = this;
    const { source } = exchange;
    exchange.source = undefined;
    source?.onClientGone();
    exchange.finish(this.#owner.clock.monotonicMs());
    this.#owner.onOver(this);
  }
}

/** What a client asks for of what it has already, which is none of the cache's questions. */
const conditional: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since', 'if-range', 'range']);
