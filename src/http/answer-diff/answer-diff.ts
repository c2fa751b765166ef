/** Compares two answers to the same request: status, fields, and bodies by what they are. Pure, and bounded by what it is given. */

import { getField } from '#wire/fields/field-list.ts';
import { readJson } from '#wire/json/json-document.ts';
import { type Difference, Differences, toShown } from './difference.ts';
import { type FieldRules, findFieldDifferences, ignoredFieldsDefault } from './field-difference.ts';
import { findJsonDifferences, type JsonRules } from './json-difference.ts';

export interface ComparedBody {
  /** All of it, or its beginning. */
  readonly bytes: Buffer;
  readonly isWhole: boolean;
  /** Of all of it, where that is known. */
  readonly lengthBytes: number | undefined;
  /** Of all of it, in any form that is the same for both. */
  readonly digest?: string | undefined;
}

export interface ComparedAnswer {
  readonly status: number;
  /** Names in lower case and values, alternating. */
  readonly fields: readonly string[];
  /** `undefined`: nothing is known of it. */
  readonly body: ComparedBody | undefined;
}

export interface DiffRules {
  readonly fields: FieldRules;
  readonly json: JsonRules;
  readonly ignoresStatus: boolean;
  readonly ignoresBody: boolean;
  readonly differencesMax: number;
}

export interface AnswerDiff {
  readonly differences: readonly Difference[];
  /** There are more of them than were asked for. */
  readonly hasMore: boolean;
  /** Why the bodies, or what is behind their beginnings, were not compared. */
  readonly uncompared: string | undefined;
}

const DIFFERENCES_MAX_DEFAULT = 50;

export const plainRules: DiffRules = {
  fields: { ignored: ignoredFieldsDefault },
  json: { ignored: [], unordered: [], hasExactNumbers: false },
  ignoresStatus: false,
  ignoresBody: false,
  differencesMax: DIFFERENCES_MAX_DEFAULT,
};

export function diffAnswers(before: ComparedAnswer, after: ComparedAnswer, rules: DiffRules): AnswerDiff {
  const differences = new Differences(rules.differencesMax);
  if (!rules.ignoresStatus && before.status !== after.status) {
    const statuses = { before: String(before.status), after: String(after.status) };
    differences.add({ part: 'status', at: '', kind: 'changed', ...statuses });
  }
  findFieldDifferences(before.fields, after.fields, rules.fields, differences);
  const uncompared = rules.ignoresBody ? undefined : compareBodies(before, after, rules, differences);
  return { differences: differences.found, hasMore: differences.hasMore, uncompared };
}

/** Returns why something was not compared. */
function compareBodies(
  { body: before, fields: fieldsBefore }: ComparedAnswer,
  { body: after, fields: fieldsAfter }: ComparedAnswer,
  rules: DiffRules,
  differences: Differences,
): string | undefined {
  if (before === undefined || after === undefined) return 'there is no body to compare with';
  if (before.isWhole && after.isWhole && before.bytes.equals(after.bytes)) return undefined;
  if (before.digest !== undefined && before.digest === after.digest) return undefined;
  const isJson = isJsonType(fieldsBefore) && isJsonType(fieldsAfter);
  if (before.isWhole && after.isWhole) {
    if (!isJson || !compareJson(before.bytes, after.bytes, rules, differences)) addWhole(before, after, differences);
    return undefined;
  }
  return comparePartly(before, after, { isJson, rules, differences });
}

interface PartlyCompared {
  readonly isJson: boolean;
  readonly rules: DiffRules;
  readonly differences: Differences;
}

/** Of one of them only the beginning is there. */
function comparePartly(
  before: ComparedBody,
  after: ComparedBody,
  { isJson, rules, differences }: PartlyCompared,
): string | undefined {
  const hasRules = isJson && (rules.json.ignored.length > 0 || rules.json.unordered.length > 0);
  if (hasRules) return 'a body is longer than what is kept of it';
  const common = Math.min(before.bytes.length, after.bytes.length);
  const isOtherBeginning = !before.bytes.subarray(0, common).equals(after.bytes.subarray(0, common));
  const { lengthBytes: one } = before;
  const { lengthBytes: other } = after;
  const isOtherLength = one !== undefined && other !== undefined && one !== other;
  const isOtherDigest = before.digest !== undefined && after.digest !== undefined;
  if (isOtherBeginning || isOtherLength || isOtherDigest) addWhole(before, after, differences);
  else return 'a body is longer than what is kept of it';
  return undefined;
}

/** False: one of them is no JSON. */
function compareJson(before: Buffer, after: Buffer, { json }: DiffRules, differences: Differences): boolean {
  const one = readJson(before);
  const other = readJson(after);
  if ('reason' in one || 'reason' in other) return false;
  findJsonDifferences(one.root, other.root, json, differences);
  return true;
}

function isJsonType(fields: readonly string[]): boolean {
  return /^[^;]*[/+]json\s*(?:;|$)/i.test(getField(fields, 'content-type') ?? '');
}

function addWhole(before: ComparedBody, after: ComparedBody, differences: Differences): void {
  differences.add({ part: 'body', at: '', kind: 'changed', before: describe(before), after: describe(after) });
}

const SHOWN_BYTES_MAX = 512;

function describe({ bytes, lengthBytes, isWhole }: ComparedBody): string {
  const length = lengthBytes ?? (isWhole ? bytes.length : undefined);
  const size = length === undefined ? 'more' : `${length} bytes`;
  const text = bytes.toString('utf8', 0, SHOWN_BYTES_MAX);
  // What else is there is no text that a terminal should be given.
  const isText = !/[\u0000-\u0008\u000e-\u001f\u007f\ufffd]/.test(text.slice(0, -1));
  return isText && text !== '' ? `${size}: ${toShown(text)}` : size;
}
