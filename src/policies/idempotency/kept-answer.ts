/** Copies an answer while it passes, as long as it may be kept. */
import { ByteCollector } from '#base/byte-collector.ts';
import type { ResponseHead } from '#http/response.ts';
import type { KeptRecord } from './kept-record.ts';

/** They say when to come again, or how to show who one is: the next request may fare better. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([401, 407, 408, 425, 429]);
/** Each answer has its own. */
const FIELDS_OF_ONE_ANSWER: ReadonlySet<string> = new Set(['age', 'date', 'server-timing', 'x-request-id']);

export interface AnswerRules {
  readonly bytesMax: number;
  readonly keepsErrors: boolean;
}

export class KeptAnswer {
  readonly #rules: AnswerRules;
  #status = 0;
  #fields: string[] = [];
  readonly #collected = new ByteCollector();
  #bytes = 0;

  constructor(rules: AnswerRules) {
    this.#rules = rules;
  }

  get isTooLong(): boolean {
    return this.#bytes > this.#rules.bytesMax;
  }

  begin({ status, fields, contentLengthBytes = 0 }: ResponseHead): void {
    this.#status = status;
    for (let i = 0; i < fields.length; i += 2) {
      if (!FIELDS_OF_ONE_ANSWER.has(fields[i]!)) this.#fields.push(fields[i]!, fields[i + 1]!);
      this.#bytes += fields[i]!.length + fields[i + 1]!.length;
    }
    // Nothing is copied in vain.
    if (contentLengthBytes > this.#rules.bytesMax) this.#bytes += contentLengthBytes;
  }

  /** The view is lent. */
  add(view: Buffer): void {
    this.#bytes += view.length;
    if (this.isTooLong) this.#collected.clear();
    else this.#collected.add(view);
  }

  /** `undefined`: the next request with the key is to be sent again. */
  toRecord(fingerprint: string): KeptRecord | undefined {
    const isKept = this.#status < 500 ? !PASSING_STATUSES.has(this.#status) : this.#rules.keepsErrors;
    if (!isKept) return undefined;
    if (this.isTooLong) return { kind: 'gone', fingerprint };
    return { kind: 'answer', fingerprint, status: this.#status, fields: this.#fields, body: this.#collected.take() };
  }
}
