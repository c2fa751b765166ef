import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { leaveSource } from '#pipeline/rescue.ts';
import type { RenderedPage } from './pages.ts';

/** Bytes of a body that are read and thrown away, so that a connection to a service is kept. */
const DISCARDED_BYTES_MAX = 64 * 1024;
/** They speak of the body that is replaced. */
const ofBody = new Set([
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'content-location',
  'etag',
  'last-modified',
  'accept-ranges',
  'content-range',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
]);

/** Puts a page in the place of an answer. It is sent when the answer is over, or when that becomes too long. */
export class PageStage implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #page: RenderedPage;
  #next!: NextStage;
  #head!: ResponseHead;
  #bytes = 0;
  #isOver = false;

  constructor(exchange: Exchange, page: RenderedPage) {
    this.#exchange = exchange;
    this.#page = page;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#next = next;
    const { contentType, body } = this.#page;
    const fields = ['content-type', contentType];
    for (let i = 0; i < response.fields.length; i += 2)
      if (!ofBody.has(response.fields[i]!)) fields.push(response.fields[i]!, response.fields[i + 1]!);
    this.#head = { status: response.status, fields, contentLengthBytes: body.length };
    if ((response.contentLengthBytes ?? 0) > DISCARDED_BYTES_MAX) this.#giveUp();
  }

  sendChunk(view: Buffer): boolean {
    this.#bytes += view.length;
    if (this.#bytes > DISCARDED_BYTES_MAX) this.#giveUp();
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(): void {
    this.#send();
  }

  onDrained(): void {
    // Whoever is before has never been told to wait.
  }

  abandon(): void {
    this.#isOver = true;
  }

  #giveUp(): void {
    if (this.#isOver) return;
    leaveSource(this.#exchange);
    this.#send();
  }

  #send(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#next.sendHead(this.#head);
    this.#next.sendChunk(this.#page.body);
    this.#next.sendEnd(undefined);
  }
}
