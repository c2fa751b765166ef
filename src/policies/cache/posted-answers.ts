/**
 * Answers to POST that say what there is at their address from now on, and for how long: they are kept for GET and HEAD (RFC 9110 §9.3.3). Each
 * goes to who posted as it comes; a copy is put together on the way.
 */
import { type AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { type AnswerKeys, resolveHere, toUri } from './answer-key.ts';
import { joinPieces, toOwnMemory } from './own-memory.ts';
import { type AskedRequest, type StoredHead, type StoringRules, toFacts, toPostedHead } from './storing.ts';

const headSlot = defineSlot<StoredHead>('an answer to POST that is kept');

export interface PostedMeans {
  readonly clock: Clock;
  readonly answers: AnswerStore;
  readonly keys: AnswerKeys;
  readonly rules: StoringRules;
  readonly objectBytesMax: number;
  /** `undefined`: nothing is kept of the answer. */
  toAsked(exchange: Exchange): AskedRequest | undefined;
}

export class PostedAnswers {
  readonly #means: PostedMeans;
  readonly #running = new Set<PostedAnswerStage>();

  constructor(means: PostedMeans) {
    this.#means = means;
  }

  /** What will be kept of the answer whose head is there; `undefined`: nothing. */
  note(exchange: Exchange, { status, fields }: ResponseHead): StoredHead | undefined {
    const { request, error, fallbackReason, startedMs } = exchange;
    if (request.method !== 'POST' || error !== undefined || fallbackReason !== undefined) return undefined;
    const { clock, rules, toAsked } = this.#means;
    const asked = toAsked(exchange);
    if (asked === undefined) return undefined;
    const times = { requestedMs: startedMs, receivedMs: clock.monotonicMs(), receivedWallMs: clock.wallMs() };
    const uri = toUri(request.scheme, request.authority, request.target);
    const isAbout = (reference: string) => resolveHere(reference, uri) === uri;
    const head = toPostedHead({ status, fields: [...fields], ...times }, { asked, rules, isAbout });
    if (head !== undefined) exchange.set(headSlot, head);
    return head;
  }

  stage(exchange: Exchange): AnswerStage | undefined {
    const head = exchange.request.method === 'POST' && exchange.error === undefined ? exchange.get(headSlot) : undefined;
    if (head === undefined) return undefined;
    const { answers, keys, objectBytesMax } = this.#means;
    const uri = keys.toUri(exchange);
    const era = answers.eraOf(uri);
    const stage = new PostedAnswerStage(uri, objectBytesMax, (body) => {
      this.#running.delete(stage);
      if (body === undefined || stage.isOutdated || era !== answers.eraOf(uri)) return;
      answers.put(uri, keys.toPartition(exchange), new StoredAnswer(toFacts(head, body)));
    });
    this.#running.add(stage);
    return stage;
  }

  /** What there is at the address has changed. */
  forget(uri: string): void {
    for (const stage of this.#running) if (stage.uri === uri) stage.isOutdated = true;
  }
}

class PostedAnswerStage implements AnswerStage {
  /** Of what it is an answer about. */
  readonly uri: string;
  /** Something has changed that meanwhile. */
  isOutdated = false;
  readonly #bytesMax: number;
  readonly #keep: (body: Buffer | undefined) => void;
  #next!: NextStage;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #announcedBytes: number | undefined = undefined;

  /** `keep` is told the body when it has come as a whole, and `undefined` when it has not, or is longer than `bytesMax`. */
  constructor(uri: string, bytesMax: number, keep: (body: Buffer | undefined) => void) {
    this.uri = uri;
    this.#bytesMax = bytesMax;
    this.#keep = keep;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#next = next;
    this.#announcedBytes = response.contentLengthBytes;
    next.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    this.#bytes += view.length;
    if (this.#bytes <= this.#bytesMax) this.#pieces.push(toOwnMemory(view));
    else this.#pieces = [];
    return this.#next.sendChunk(view);
  }

  flush(): boolean {
    return this.#next.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const isWhole = this.#announcedBytes === undefined || this.#announcedBytes === this.#bytes;
    this.#keep(isWhole && this.#bytes <= this.#bytesMax ? joinPieces(this.#pieces, this.#bytes) : undefined);
    this.#next.sendEnd(trailers);
  }

  onDrained(): void {
    this.#next.askForMore();
  }

  abandon(): void {
    this.#pieces = [];
    this.#keep(undefined);
  }
}
