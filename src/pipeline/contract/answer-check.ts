/** Whether an answer is as its contract promises. Looks at once, and says the first thing that is wrong with the body. */

import { readMediaType } from '#wire/fields/media-type.ts';
import type { AnswerRule, AnswerRules, MediaRule, ParameterRule } from './contract.ts';
import { toViolations } from './faults-to-violations.ts';
import { findMedia } from './media-ranges.ts';
import { isReadable, readBody } from './message-body.ts';
import { readHeaderParameter } from './parameter-value.ts';
import { joinFieldLines } from './request-check.ts';
import type { SchemaSet } from './schema-set.ts';
import { createViolation, toPointer, type Violation } from './violation.ts';

export interface AnswerHead {
  readonly status: number;
  readonly fields: readonly string[];
}

export class AnswerCheck {
  readonly #rules: AnswerRules;
  readonly #schemas: SchemaSet;
  readonly #depthMax: number;

  constructor(rules: AnswerRules, schemas: SchemaSet, depthMax: number) {
    this.#rules = rules;
    this.#schemas = schemas;
    this.#depthMax = depthMax;
  }

  get isReady(): boolean {
    return this.#rules.answers.every((rule) => listUses(rule).every((use) => this.#schemas.isReady(use)));
  }

  async prepare(): Promise<void> {
    for (const use of this.#rules.answers.flatMap(listUses)) if (!this.#schemas.isReady(use)) await this.#schemas.prepare(use);
  }

  /** The same for whoever has turns of his own to do it in. */
  *prepareInSteps(): Generator<undefined, void, void> {
    for (const use of this.#rules.answers.flatMap(listUses))
      if (!this.#schemas.isReady(use)) yield* this.#schemas.prepareInSteps(use);
  }

  checkHead(head: AnswerHead, hasBody: boolean): Violation[] {
    const { answers } = this.#rules;
    const rule = findAnswer(answers, head.status);
    if (rule === undefined)
      return answers.length === 0 ? [] : [createViolation('status', '', 'undeclared', `status ${head.status} is not declared`)];
    const violations = rule.headers.flatMap((header) => this.#checkField(header, head.fields));
    if (hasBody && rule.media.length > 0 && this.findMedia(head) === undefined)
      violations.push(createViolation('header', '/content-type', 'undeclared', 'is a media type that is not declared'));
    return violations;
  }

  /** What describes the body of an answer; `undefined`: nothing does. */
  findMedia({ status, fields }: AnswerHead): MediaRule | undefined {
    const type = readMediaType(joinFieldLines(fields, 'content-type') ?? '');
    const rule = findAnswer(this.#rules.answers, status);
    return rule === undefined || type === undefined ? undefined : findMedia(rule.media, type);
  }

  /** Whether the body of an answer is looked into. */
  readsBody({ use }: MediaRule, { fields }: AnswerHead): boolean {
    return use !== undefined && isReadable(joinFieldLines(fields, 'content-type') ?? '');
  }

  checkBody(media: MediaRule, { fields }: AnswerHead, bytes: Buffer): Violation[] {
    const { use } = media;
    const reading = readBody(media, joinFieldLines(fields, 'content-type') ?? '', bytes, this.#depthMax);
    if ('violation' in reading) return [reading.violation];
    if (use === undefined) return [];
    return toViolations(this.#schemas.findFirstFault(use, reading.value, bytes.length) ?? [], 'body', '');
  }

  #checkField(rule: ParameterRule, fields: readonly string[]): Violation[] {
    const text = joinFieldLines(fields, rule.name);
    const reading = readHeaderParameter(rule, text);
    if (reading === undefined) return [];
    const at = toPointer(rule.name);
    if ('fault' in reading) return [createViolation('header', at, reading.fault.keyword, reading.fault.message)];
    if (rule.use === undefined) return [];
    return toViolations(this.#schemas.findFirstFault(rule.use, reading.value, text?.length ?? 0) ?? [], 'header', at);
  }
}

/** A status by itself goes before its range, and the range before `default` (OpenAPI 3.1 §4.8.16). */
export function findAnswer(answers: readonly AnswerRule[], status: number): AnswerRule | undefined {
  const names = [String(status), `${Math.trunc(status / 100)}XX`, 'default'];
  for (const name of names) {
    const found = answers.find((answer) => answer.status === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function listUses({ headers, media }: AnswerRule) {
  return [...headers, ...media].flatMap(({ use }) => use ?? []);
}
