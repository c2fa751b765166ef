import type { ResponseHead } from './response.ts';
import type { AnswerHead } from './upstream-call.ts';

/** An upstream's answer on its way to a client. While no policy looks at its fields, they are passed on as text. */
export class PassedResponse implements ResponseHead {
  status: number;
  contentLengthBytes: number | undefined;
  readonly #head: AnswerHead;
  #fields: string[] | undefined = undefined;

  constructor(head: AnswerHead) {
    this.status = head.status;
    this.contentLengthBytes = head.contentLengthBytes >= 0 ? head.contentLengthBytes : undefined;
    this.#head = head;
  }

  get fields(): string[] {
    this.#fields ??= this.#head.fields;
    return this.#fields;
  }

  set fields(fields: string[]) {
    this.#fields = fields;
  }

  get messageText(): string | undefined {
    const head = this.#head;
    const isAsItCame =
      this.#fields === undefined && this.status === head.status && (this.contentLengthBytes ?? -1) === head.contentLengthBytes;
    return isAsItCame ? head.messageText : undefined;
  }

  get fieldText(): string | undefined {
    return this.#fields === undefined ? this.#head.fieldText : undefined;
  }

  get hasDate(): boolean | undefined {
    return this.#fields === undefined ? this.#head.hasDate : undefined;
  }
}
