/**
 * The head of an answer as HTTP/2 tells it, checked as RFC 9113 §8 asks. An upstream may be broken or hostile too: all of it
 * is attacker-controlled.
 */
import { limits } from '#base/limits.ts';
import { isForwardingName } from '#wire/http1/field-names.ts';
import { isConnectionSpecific } from './http2-attempt-head.ts';
import { isName, isNumber, isValue } from './http2-fields.ts';
import type { AnswerHead } from './upstream-call.ts';

/** What counts a field besides its text: `: ` and the end of the line, as over HTTP/1. */
const FIELD_EXTRA_BYTES = 4;
const COLON = 58;
const CAPITAL_A = 65;
const CAPITAL_Z = 90;
const NOT_GIVEN = -1;

/** The fields of the answer, its status apart. */
export function readHttp2AnswerHead(list: readonly string[]): AnswerHead | 'malformed' | 'too-large' {
  if (isTooLarge(list)) return 'too-large';
  const status = list[0] === ':status' ? toStatus(list[1]!) : 0;
  if (status === 0) return 'malformed';
  const fields: string[] = [];
  let contentLengthBytes = NOT_GIVEN;
  let hasForwardingFields = false;
  let hasDate = false;
  for (let i = 2; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (!isName(name)) {
      if (isMalformedName(name)) return 'malformed';
    } else if (name === 'content-length') {
      if (contentLengthBytes !== NOT_GIVEN || !isNumber(value)) return 'malformed';
      contentLengthBytes = Number(value);
    } else if (isConnectionSpecific(name)) return 'malformed';
    else if (isValue(value)) {
      if (name === 'date') hasDate = true;
      else if (isForwardingName(name)) hasForwardingFields = true;
      fields.push(name, value);
    }
  }
  if (!(contentLengthBytes <= Number.MAX_SAFE_INTEGER)) return 'malformed';
  return { status, fields, fieldText: undefined, contentLengthBytes, hasForwardingFields, hasDate, upgrade: undefined };
}

/** The trailers of an answer as far as they can be passed on; `undefined` where they are malformed. */
export function readHttp2AnswerTrailers(list: readonly string[]): string[] | undefined {
  const fields: string[] = [];
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    if (!isName(name)) {
      if (isMalformedName(name)) return undefined;
    } else if (isConnectionSpecific(name)) return undefined;
    else if (isValue(list[i + 1]!)) fields.push(name, list[i + 1]!);
  }
  return fields;
}

function isTooLarge(list: readonly string[]): boolean {
  let bytes = 0;
  for (let i = 0; i < list.length; i += 2) bytes += list[i]!.length + list[i + 1]!.length + FIELD_EXTRA_BYTES;
  // The status is among them.
  return bytes > limits.headBytesMax || list.length / 2 > limits.fieldCountMax + 1;
}

/** RFC 9110 §15: three digits, of five classes. 0: something else. */
function toStatus(text: string): number {
  const status = text.length === 3 && isNumber(text) ? Number(text) : 0;
  return status >= 100 && status <= 599 ? status : 0;
}

/**
 * RFC 9113 §8.2, §8.3: capitals, and pseudo fields where there may be none, are what a reader could take for something else. A
 * field that is broken in any other way means nothing to anybody, and is left out instead.
 */
function isMalformedName(name: string): boolean {
  if (name.charCodeAt(0) === COLON) return true;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= CAPITAL_A && code <= CAPITAL_Z) return true;
  }
  return false;
}
