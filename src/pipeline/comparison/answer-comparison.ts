/**
 * The answer to a request beside that to a copy of it: both are read along as they come, and compared when both are over. Neither
 * client nor service notices. Loaded where mirrors compare.
 */
import { createHash, type Hash } from 'node:crypto';
import { ByteCollector } from '#base/byte-collector.ts';
import { type ComparedAnswer, type DiffRules, diffAnswers } from '#http/answer-diff/answer-diff.ts';
import type { Difference } from '#http/answer-diff/difference.ts';
import type { Exchange, ExchangeHold } from '#http/exchange.ts';
import { type ExchangeTap, PassedEvents, type TappedAttempt } from '#http/exchange-tap.ts';
import type { AnswerEvents, AnswerHead, AttemptHead } from '#http/upstream-call.ts';
import type { ComparisonResult } from './comparison-results.ts';

export interface AnswerComparisonOutcome {
  readonly route: string | undefined;
  /** That the copy went to. */
  readonly service: string;
  readonly result: ComparisonResult;
  readonly differences: readonly Difference[];
  readonly id: string;
  readonly method: string;
  readonly target: string;
}

export interface ComparisonOrder {
  /** How much of each body is kept. */
  readonly bodyBytesMax: number;
  readonly rules: DiffRules;
}

export class AnswerComparison implements ExchangeTap, ExchangeHold {
  readonly #exchange: Exchange;
  readonly #service: string;
  readonly #order: ComparisonOrder;
  readonly #onCompared: (outcome: AnswerComparisonOutcome) => void;
  /** Of the last attempt that was answered; `undefined`: none was. */
  #answer: ReadAnswer | undefined = undefined;
  readonly #copied: ReadAnswer;
  #isAnswerOver = false;
  #isCopyOver = false;

  constructor(
    exchange: Exchange,
    service: string,
    order: ComparisonOrder,
    onCompared: (outcome: AnswerComparisonOutcome) => void,
  ) {
    this.#exchange = exchange;
    this.#service = service;
    this.#order = order;
    this.#onCompared = onCompared;
    this.#copied = new ReadAnswer(order.bodyBytesMax);
  }

  onRequestChunk(): void {
    // Both got the same.
  }

  tapAttempt(_attempt: TappedAttempt, _head: AttemptHead, events: AnswerEvents): AnswerEvents {
    if (this.#isAnswerOver) return events;
    const read = new ReadAnswer(this.#order.bodyBytesMax);
    return new ReadEvents(events, read, () => {
      this.#answer = read;
    });
  }

  /** The exchange is over. */
  release(): void {
    this.#isAnswerOver = true;
    this.#settle();
  }

  // From the copy

  onCopyHead({ status, fields }: AnswerHead): void {
    this.#copied.begin(status, fields);
  }

  onCopyChunk(view: Buffer): void {
    this.#copied.add(view);
  }

  /** Nothing more of it comes. `isWhole`: its answer has ended by itself. */
  onCopyOver(isWhole: boolean): void {
    this.#copied.isWhole = isWhole;
    this.#isCopyOver = true;
    this.#settle();
  }

  #settle(): void {
    if (!this.#isAnswerOver || !this.#isCopyOver) return;
    // Behind whatever is on its way to clients now.
    setImmediate(() => this.#compare());
  }

  #compare(): void {
    const answer = this.#answer;
    const { fallbackReason } = this.#exchange;
    if (answer === undefined || !answer.isWhole || fallbackReason !== undefined || this.#copied.status === 0)
      return this.#tell('failed', []);
    const { differences, uncompared } = diffAnswers(answer.toCompared(), this.#copied.toCompared(), this.#order.rules);
    if (differences.length > 0) this.#tell('different', differences);
    else this.#tell(uncompared === undefined ? 'same' : 'uncompared', []);
  }

  #tell(result: ComparisonResult, differences: readonly Difference[]): void {
    const { plan, requestId, request, shownTarget } = this.#exchange;
    this.#onCompared({
      route: plan?.routeName,
      service: this.#service,
      result,
      differences,
      id: requestId,
      method: request.method,
      target: shownTarget ?? request.target,
    });
  }
}

/** What is kept of one answer: its head, the beginning of its body, and a digest of what is longer. */
class ReadAnswer {
  status = 0;
  isWhole = false;
  #fields: readonly string[] = [];
  readonly #bytesMax: number;
  readonly #kept = new ByteCollector();
  #lengthBytes = 0;
  #hash: Hash | undefined = undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  begin(status: number, fields: readonly string[]): void {
    this.status = status;
    this.#fields = [...fields];
  }

  add(view: Buffer): void {
    this.#lengthBytes += view.length;
    if (this.#hash !== undefined) this.#hash.update(view);
    else if (this.#lengthBytes <= this.#bytesMax) this.#kept.add(view);
    else {
      this.#hash = createHash('sha256');
      for (const piece of this.#kept.pieces) this.#hash.update(piece);
      this.#hash.update(view);
    }
  }

  toCompared(): ComparedAnswer {
    const bytes = this.#kept.take();
    const isKept = this.isWhole && this.#hash === undefined;
    return {
      status: this.status,
      fields: this.#fields,
      body: {
        bytes,
        isWhole: isKept,
        lengthBytes: this.isWhole ? this.#lengthBytes : undefined,
        digest: this.isWhole ? this.#hash?.digest('hex') : undefined,
      },
    };
  }
}

class ReadEvents extends PassedEvents {
  readonly #read: ReadAnswer;
  readonly #onBegun: () => void;

  constructor(events: AnswerEvents, read: ReadAnswer, onBegun: () => void) {
    super(events);
    this.#read = read;
    this.#onBegun = onBegun;
  }

  override onUpstreamHead(head: AnswerHead): void {
    this.#read.begin(head.status, head.fields);
    this.#onBegun();
    super.onUpstreamHead(head);
  }

  override onUpstreamChunk(view: Buffer): void {
    this.#read.add(view);
    super.onUpstreamChunk(view);
  }

  override onUpstreamText(text: string): void {
    this.#read.add(Buffer.from(text, 'latin1'));
    super.onUpstreamText(text);
  }

  override onUpstreamEnd(trailers: readonly string[] | undefined): void {
    this.#read.isWhole = true;
    super.onUpstreamEnd(trailers);
  }
}
