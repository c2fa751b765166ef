import { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { CollectedAnswer } from '#http/collecting-client.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import { toProblem } from '#pipeline/rescue.ts';
import { BatchAnswer } from './batch-answer.ts';
import type { BatchItem } from './batch-document.ts';
import { toEntry } from './batch-entry.ts';
import { batchErrors } from './batch-errors.ts';
import type { BatchMeans, BatchSettings } from './batch-settings.ts';
import { takeCookies } from './item-cookies.ts';
import { type ItemRules, readItemRequest } from './item-request.ts';
import { ItemRun } from './item-run.ts';

const FIRST_FAILURE_STATUS = 400;
/** Bytes of the cookies that one answer has for the client: it takes so much of a head and little more. */
const LIFTED_COOKIE_BYTES_MAX = 16 * 1024;

const noBytes = Buffer.alloc(0);

/** The requests of one batch, a few at a time, each through the whole gateway. */
export class BatchRun extends WheelTimer implements AnswerSource {
  readonly #exchange: Exchange;
  readonly #items: readonly BatchItem[];
  readonly #rules: ItemRules;
  readonly #settings: BatchSettings;
  readonly #means: BatchMeans;
  readonly #wheel: TimerWheel;
  readonly #answer: BatchAnswer;
  readonly #running = new Set<ItemRun>();
  /** Of each request, what it sets at the client. */
  readonly #cookies: string[][];
  #cookieBytes = 0;
  #answerBytes = 0;
  /** The first one that has not been begun. */
  #next = 0;
  #leftCount: number;
  /** Why no more are begun. */
  #stop: GatewayError | undefined = undefined;
  #isBeginning = false;
  /** Nothing is left to be done but to send what is there, or the client has gone. */
  #isOver = false;

  constructor(
    exchange: Exchange,
    { items, rules }: { readonly items: readonly BatchItem[]; readonly rules: ItemRules },
    settings: BatchSettings,
    means: BatchMeans,
  ) {
    super();
    this.#exchange = exchange;
    this.#items = items;
    this.#rules = rules;
    this.#settings = settings;
    this.#means = means;
    this.#wheel = means.wheel;
    this.#answer = new BatchAnswer(exchange, settings.status, items.length);
    this.#cookies = items.map(() => []);
    this.#leftCount = items.length;
  }

  start(): void {
    this.#exchange.source = this;
    this.#wheel.arm(this, this.#settings.timeoutMs);
    this.#goOn();
  }

  override onDeadline(): void {
    const { timeoutMs } = this.#settings;
    const error = batchErrors.timeout({ timeoutMs }, { publicDetail: `the batch had ${timeoutMs} ms` });
    this.#stop = error;
    for (const run of [...this.#running]) run.leave(error);
    this.#goOn();
  }

  // From the exchange that carries the batch

  onClientGone(): void {
    this.#isOver = true;
    this.#wheel.remove(this);
    for (const run of [...this.#running]) run.leave(clientErrors.gone());
  }

  onClientDrained(): void {
    this.#answer.onDrained();
  }

  onRequestChunk(): void {
    // The body has been read.
  }

  onRequestFlush(): void {
    // As for pieces.
  }

  onRequestEnd(): void {
    // As for pieces.
  }

  // Inside

  /** Begins as many as may run. One that ends at once, inside of this, makes room for the next one of the same loop. */
  #goOn(): void {
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    const { parallel } = this.#settings;
    while (this.#next < this.#items.length && this.#running.size < parallel && !this.#isOver) this.#begin(this.#next++);
    this.#isBeginning = false;
    this.#sendWhatIsThere();
  }

  #begin(index: number): void {
    const item = this.#items[index]!;
    const { request } = item;
    const { answerBytesMax, itemTimeoutMs } = this.#settings;
    const order = {
      outer: this.#exchange,
      item: readItemRequest(item, this.#exchange.request, this.#rules),
      body: request instanceof GatewayError ? noBytes : request.body,
      answerBytesMax,
      timeoutMs: itemTimeoutMs,
    };
    const run: ItemRun = new ItemRun(order, this.#means, (outcome) => this.#endItem(index, run, outcome));
    this.#running.add(run);
    if (this.#stop === undefined) run.start();
    else run.refuse(this.#stop);
  }

  #endItem(index: number, run: ItemRun, outcome: CollectedAnswer | GatewayError): void {
    this.#running.delete(run);
    if (this.#isOver) return;
    this.#keep(index, run.exchange, outcome);
    this.#leftCount -= 1;
    this.#goOn();
  }

  #keep(index: number, exchange: Exchange, outcome: CollectedAnswer | GatewayError): void {
    const { status } = outcome;
    if (status >= FIRST_FAILURE_STATUS && this.#settings.onFailure === 'stop')
      this.#stop ??= batchErrors.notRun(undefined, { publicDetail: 'one before it failed' });
    const refusal = outcome instanceof GatewayError ? outcome : this.#takeAnswer(index, exchange, outcome);
    if (refusal !== undefined) this.#answer.set(index, this.#toEntry(index, exchange, toProblem(refusal, exchange.requestId)));
  }

  /** An error: there is no room for it. */
  #takeAnswer(index: number, exchange: Exchange, { status, fields, body }: CollectedAnswer): GatewayError | undefined {
    const shown = [...fields];
    const { cookies, totalBytesMax } = this.#settings;
    const taken = cookies === 'entry' ? [] : takeCookies(shown, exchange.request.path);
    const entry = this.#toEntry(index, exchange, { status, fields: shown, body });
    if (this.#answerBytes + entry.byteLength > totalBytesMax) {
      const options = { publicDetail: `all answers of a batch together are at most ${totalBytesMax} bytes` };
      this.#stop ??= batchErrors.notRun({ totalBytesMax }, { publicDetail: 'the answers so far have left no room for its own' });
      return batchErrors.answerTooLong({ totalBytesMax }, options);
    }
    if (cookies === 'answer' && !this.#keepCookies(index, taken))
      return batchErrors.answerTooLong(undefined, { publicDetail: `its cookies have no room beside those of others` });
    this.#answerBytes += entry.byteLength;
    this.#answer.set(index, entry);
    return undefined;
  }

  #keepCookies(index: number, cookies: string[]): boolean {
    let bytes = this.#cookieBytes;
    for (const cookie of cookies) bytes += cookie.length;
    if (bytes > LIFTED_COOKIE_BYTES_MAX) return false;
    this.#cookieBytes = bytes;
    this.#cookies[index] = cookies;
    return true;
  }

  #toEntry(index: number, { requestId }: Exchange, answer: Parameters<typeof toEntry>[1]) {
    // As a client of its own would be told.
    return toEntry(this.#items[index]!.id, { ...answer, fields: [...answer.fields, 'x-request-id', requestId] });
  }

  #sendWhatIsThere(): void {
    if (this.#isOver) return;
    const isWhole = this.#leftCount === 0;
    if (isWhole) {
      this.#isOver = true;
      this.#wheel.remove(this);
    }
    if (this.#settings.cookies !== 'answer') this.#answer.send();
    else if (isWhole) this.#answer.sendWhole(this.#cookies.flat());
  }
}
