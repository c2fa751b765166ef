/** Which of the answers that an operation declares is shown: by status, media type and example, as settings and clients wish. */

import { findAnswer } from '#pipeline/contract/answer-check.ts';
import type { AnswerRule, MediaRule } from '#pipeline/contract/contract.ts';
import { findMediaWeight, readQualityList } from '#wire/fields/quality-list.ts';

export interface ChosenAnswer {
  readonly rule: AnswerRule;
  readonly status: number;
  /** The client has asked for this status, or for this example. */
  readonly applied: readonly string[];
}

export interface Preferences {
  readonly code: number | undefined;
  readonly example: string | undefined;
}

const FIRST_OK = 200;
const LAST_OK = 299;
const RANGE_DEFAULT = 200;

/** RFC 7240 §2: what is not known, or cannot be done, is passed over. */
export function readPreferences(text: string | undefined): Preferences {
  let code: number | undefined;
  let example: string | undefined;
  for (const part of (text ?? '').split(',')) {
    const [, name, quoted, token] = /^\s*([\w-]+)\s*=\s*(?:"([^"\\]*)"|([^\s;"]+))/.exec(part) ?? [];
    const value = quoted ?? token;
    if (name?.toLowerCase() === 'code' && /^[2-5]\d\d$/.test(value ?? '')) code ??= Number(value);
    if (name?.toLowerCase() === 'example') example ??= value;
  }
  return { code, example };
}

/** `undefined`: the operation declares no answers. */
export function chooseAnswer(
  answers: readonly AnswerRule[],
  { code }: Preferences,
  wanted: number | undefined,
): ChosenAnswer | undefined {
  const preferred = code === undefined ? undefined : findAnswer(answers, code);
  if (preferred !== undefined && code !== undefined) return { rule: preferred, status: code, applied: [`code=${code}`] };
  const ofSetting = wanted === undefined ? undefined : findAnswer(answers, wanted);
  if (ofSetting !== undefined && wanted !== undefined) return { rule: ofSetting, status: wanted, applied: [] };
  const usual = answers.find(({ status }) => isOk(toStatus(status))) ?? answers[0];
  return usual && { rule: usual, status: toStatus(usual.status), applied: [] };
}

function isOk(status: number): boolean {
  return status >= FIRST_OK && status <= LAST_OK;
}

/** Of a range, its first one. */
function toStatus(status: string): number {
  return status === 'default' ? RANGE_DEFAULT : Number(status.replace('XX', '00'));
}

/** `none`: the answer has no body. `undefined`: the client takes none of its types. */
export function chooseMedia({ media }: AnswerRule, fields: readonly string[]): MediaRule | 'none' | undefined {
  // A range says what may come, and not what to make up.
  const concrete = media.filter(({ range }) => !range.includes('*'));
  if (concrete.length === 0) return 'none';
  const accepted = readQualityList(fields, 'accept');
  if (accepted === undefined) return concrete[0];
  let best: MediaRule | undefined;
  let bestWeight = 0;
  for (const rule of concrete) {
    const weight = findMediaWeight(accepted, rule.range);
    if (weight > bestWeight) [best, bestWeight] = [rule, weight];
  }
  return best;
}
