/** Which of several answers of one address is the one for a request (RFC 9111 §4.1). */
import type { AnswerSelection, StoredAnswer } from '#base/answer-store.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { parseQualityList } from '#wire/fields/quality-list.ts';

const NAMES_MAX = 16;
/** Of one choice, in thousandths. */
const WEIGHT_MAX = 1_000;
/** No field holds one. */
const SEPARATOR = '\n';
const ABSENT = '\u0000';

/** Lists of choices with weights, in which order and case mean nothing (RFC 9110 §12.4.2). */
const weighted: ReadonlySet<string> = new Set(['accept-charset', 'accept-encoding', 'accept-language']);
const WRITTEN_DIFFERENTLY = /[,;A-Z \t]/;

/** As much of a request as tells answers apart. */
export interface SelectingRequest {
  readonly fields: readonly string[];
  readonly authority: string;
  /** What the gateway says itself of where a request came from. */
  readonly forwardingFields: { readonly fields: readonly string[] };
}

/**
 * `never`: no other request is like this one. `undefined`: all are. `sentFields`: what the service was sent. Where the gateway has made
 * something else of a field that the answer depends on, requests do not show what their answers would be.
 */
export function findSelection(
  fields: readonly string[],
  request: SelectingRequest,
  sentFields: readonly string[],
): AnswerSelection | 'never' | undefined {
  const names = new Set<string>();
  for (const line of getFieldValues(fields, 'vary'))
    for (const name of line.split(',')) {
      const lower = name.trim().toLowerCase();
      if (lower !== '') names.add(lower);
    }
  if (names.size === 0) return undefined;
  if (names.has('*') || names.has('x-request-id') || names.size > NAMES_MAX) return 'never';
  const sorted = [...names].sort();
  if (sorted.some((name) => isChanged(name, request, sentFields))) return 'never';
  return { names: sorted, values: readSelecting(sorted, request) };
}

function isChanged(name: string, { fields }: SelectingRequest, sentFields: readonly string[]): boolean {
  if (fields === sentFields || name === 'host') return false;
  return !isSameList(getFieldValues(fields, name), getFieldValues(sentFields, name));
}

export function isSelected(
  { selection }: { readonly selection: AnswerSelection | undefined },
  request: SelectingRequest,
): boolean {
  return selection === undefined || readSelecting(selection.names, request) === selection.values;
}

/** The most recent of those that are for the request. */
export function select(answers: readonly StoredAnswer[], request: SelectingRequest): StoredAnswer | undefined {
  // Nearly always all answers of an address depend on the same fields.
  let names: readonly string[] | undefined;
  let values = '';
  for (const answer of answers) {
    const { selection } = answer.facts;
    if (selection === undefined) return answer;
    if (names === undefined || !isSameList(names, selection.names)) {
      names = selection.names;
      values = readSelecting(names, request);
    }
    if (values === selection.values) return answer;
  }
  return undefined;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function readSelecting(names: readonly string[], request: SelectingRequest): string {
  let text = '';
  for (const name of names) text += readOne(name, request) + SEPARATOR;
  return text;
}

/** Several lines are one list, and spaces at commas mean nothing. */
function readOne(name: string, { fields, authority, forwardingFields }: SelectingRequest): string {
  if (name === 'host') return authority;
  let lines = getFieldValues(fields, name);
  if (lines.length === 0) lines = getFieldValues(forwardingFields.fields, name);
  if (lines.length === 0) return ABSENT;
  const text = lines.length === 1 ? lines[0]! : lines.join(',');
  if (weighted.has(name)) return normaliseWeighted(text);
  // What stands in quotes may differ by case, and hold commas.
  if (name === 'accept' && !text.includes('"')) return normaliseTypes(text);
  return text.includes(',') ? text.split(',').map(trimInside).join(',') : trimInside(text);
}

const trimInside = (text: string): string => text.trim().replace(/[ \t]+/g, ' ');

/** What is weighed the same is the same, in whatever order and case it is written. */
function normaliseWeighted(text: string): string {
  if (!WRITTEN_DIFFERENTLY.test(text)) return toWeighed(text, WEIGHT_MAX);
  return parseQualityList(text)
    .map(({ name, weight }) => toWeighed(name, weight))
    .sort()
    .join(',');
}

const toWeighed = (name: string, weight: number): string => `${name};${weight}`;

/** Types have parameters besides their weight, which tell them apart. */
function normaliseTypes(text: string): string {
  if (!WRITTEN_DIFFERENTLY.test(text)) return text;
  return text
    .split(',')
    .map((type) => type.replace(/[ \t]/g, '').toLowerCase())
    .sort()
    .join(',');
}
