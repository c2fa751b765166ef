/** An answer that is kept, as one client gets it. While no policy looks at its fields, it is written as the text that it was the last time. */
import type { AnswerFacts, StoredAnswer } from '#base/answer-store.ts';
import type { Reply } from '#http/response.ts';
import { encodeFields, encodeStatusLine } from '#wire/http1/encode.ts';
import { sayHit } from './cache-status.ts';

/** Meant for this cache alone, so clients are not told it. */
export const OWN_TARGET = 'gatehouse-cache-control';

/** What `Cache-Status` says: that it is a hit, which is the same for all of the same second, or something else. */
export type SaidOfReply = 'hit' | 'nothing' | { readonly text: string };

export class StoredReply implements Reply {
  status: number;
  contentLengthBytes: number | undefined;
  body: Buffer | undefined;
  readonly isForOne = true;
  /** Every answer that is kept has a date. */
  readonly hasDate = true;
  readonly #answer: StoredAnswer;
  readonly #ageS: number;
  readonly #said: SaidOfReply;
  #fields: string[] | undefined = undefined;

  constructor(answer: StoredAnswer, ageS: number, said: SaidOfReply) {
    const { status, body } = answer.facts;
    this.status = status;
    this.contentLengthBytes = body.length;
    this.body = body;
    this.#answer = answer;
    this.#ageS = ageS;
    this.#said = said;
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
    return isAsKept && (this.#said === 'hit' || this.#said === 'nothing')
      ? writeText(this.#answer, this.#ageS, this.#said === 'hit')
      : undefined;
  }
}

/** Once for each second of its age: until then it is the same for everybody. What is said depends on the place, whose answer it is. */
function writeText(answer: StoredAnswer, ageS: number, saysHit: boolean): string {
  if (answer.writtenText !== undefined && answer.writtenAgeS === ageS) return answer.writtenText;
  const { facts } = answer;
  answer.fixedText ??= `${encodeStatusLine(facts.status)}${encodeFields(listShown(facts.fields))}content-length: ${facts.body.length}\r\n`;
  const said = saysHit ? `cache-status: ${sayHit(toTtlS(facts, ageS))}\r\n` : '';
  answer.writtenText = `${answer.fixedText}age: ${ageS}\r\n${said}`;
  answer.writtenAgeS = ageS;
  return answer.writtenText;
}

function toFields({ facts }: StoredAnswer, ageS: number, said: SaidOfReply): string[] {
  const fields = [...listShown(facts.fields), 'age', String(ageS)];
  if (said === 'hit') fields.push('cache-status', sayHit(toTtlS(facts, ageS)));
  else if (said !== 'nothing') fields.push('cache-status', said.text);
  return fields;
}

/** In whole seconds, as ages are. */
export function toTtlS({ bornMs, freshUntilMs }: Pick<AnswerFacts, 'bornMs' | 'freshUntilMs'>, ageS: number): number {
  return Math.floor((freshUntilMs - bornMs) / 1_000) - ageS;
}

function listShown(fields: readonly string[]): readonly string[] {
  if (!fields.includes(OWN_TARGET)) return fields;
  const shown: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] !== OWN_TARGET) shown.push(fields[i]!, fields[i + 1]!);
  return shown;
}
