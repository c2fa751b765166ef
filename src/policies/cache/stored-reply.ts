/** An answer that is kept, as one client gets it. While no policy looks at its fields, it is written as the text that it was the last time. */
import type { StoredAnswer } from '#base/answer-store.ts';
import type { Reply } from '#http/response.ts';
import { encodeFields, encodeStatusLine } from '#wire/http1/encode.ts';

/** Meant for this cache alone, so clients are not told it. */
export const OWN_TARGET = 'gatehouse-cache-control';

export class StoredReply implements Reply {
  status: number;
  contentLengthBytes: number | undefined;
  body: Buffer | undefined;
  /** Every answer that is kept has a date. */
  readonly hasDate = true;
  readonly #answer: StoredAnswer;
  readonly #ageS: number;
  /** What `Cache-Status` says; `undefined`: nothing. */
  readonly #said: string | undefined;
  /** The status, the fields and the length are those that are kept, and what is said is said to all of the same second. */
  readonly #isPlain: boolean;
  #fields: string[] | undefined = undefined;

  constructor(answer: StoredAnswer, ageS: number, said: string | undefined, isPlain: boolean) {
    const { status, body } = answer.facts;
    this.status = status;
    this.contentLengthBytes = body.length;
    this.body = body;
    this.#answer = answer;
    this.#ageS = ageS;
    this.#said = said;
    this.#isPlain = isPlain;
  }

  get fields(): string[] {
    this.#fields ??= toFields(this.#answer, this.#ageS, this.#said);
    return this.#fields;
  }

  set fields(fields: string[]) {
    this.#fields = fields;
  }

  get messageText(): string | undefined {
    const { facts } = this.#answer;
    const isAsKept = this.#fields === undefined && this.status === facts.status && this.contentLengthBytes === facts.body.length;
    return isAsKept && this.#isPlain ? writeText(this.#answer, this.#ageS, this.#said) : undefined;
  }
}

/** Once for each second of its age: until then it is the same for everybody. */
function writeText(answer: StoredAnswer, ageS: number, said: string | undefined): string {
  if (answer.writtenText !== undefined && answer.writtenAgeS === ageS) return answer.writtenText;
  const { facts } = answer;
  answer.fixedText ??= `${encodeStatusLine(facts.status)}${encodeFields(listShown(facts.fields))}content-length: ${facts.body.length}\r\n`;
  answer.writtenText = `${answer.fixedText}age: ${ageS}\r\n${said === undefined ? '' : `cache-status: ${said}\r\n`}`;
  answer.writtenAgeS = ageS;
  return answer.writtenText;
}

function toFields({ facts }: StoredAnswer, ageS: number, said: string | undefined): string[] {
  const fields = [...listShown(facts.fields), 'age', String(ageS)];
  if (said !== undefined) fields.push('cache-status', said);
  return fields;
}

function listShown(fields: readonly string[]): readonly string[] {
  if (!fields.includes(OWN_TARGET)) return fields;
  const shown: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] !== OWN_TARGET) shown.push(fields[i]!, fields[i + 1]!);
  return shown;
}
