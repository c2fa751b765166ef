import { limits } from '#base/limits.ts';
import { isForwardingName } from '#wire/http1/field-names.ts';
import type { AnswerHead } from './upstream-call.ts';

/** What counts a field besides its text: `: ` and the end of the line, as over HTTP/1. */
const FIELD_EXTRA_BYTES = 4;

/**
 * An answer's head from the flat list of an HTTP/2 session. The session has checked names, values and the length, and has
 * refused fields that belong to a connection. `isEmpty`: no body follows although there could be one.
 */
export function readHttp2AnswerHead(list: readonly string[], isEmpty: boolean): AnswerHead | 'malformed' | 'too-large' {
  if (isTooLarge(list)) return 'too-large';
  const fields: string[] = [];
  let status = 0;
  let contentLengthBytes = isEmpty ? 0 : -1;
  let hasForwardingFields = false;
  let hasDate = false;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (name === ':status') status = Number(value);
    else if (name === 'content-length') contentLengthBytes = Number(value);
    else {
      if (name === 'date') hasDate = true;
      else if (isForwardingName(name)) hasForwardingFields = true;
      fields.push(name, value);
    }
  }
  if (!(status >= 100 && status <= 599) || !(contentLengthBytes <= Number.MAX_SAFE_INTEGER)) return 'malformed';
  return { status, fields, fieldText: undefined, contentLengthBytes, hasForwardingFields, hasDate, upgrade: undefined };
}

function isTooLarge(list: readonly string[]): boolean {
  let bytes = 0;
  for (let i = 0; i < list.length; i += 2) bytes += list[i]!.length + list[i + 1]!.length + FIELD_EXTRA_BYTES;
  // The status is among them.
  return bytes > limits.headBytesMax || list.length / 2 > limits.fieldCountMax + 1;
}
