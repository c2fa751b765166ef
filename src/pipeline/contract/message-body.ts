/** Bodies of requests and answers as the values that schemas speak of. All input is attacker-controlled, and its length is capped. */

import { isJsonType, readMediaType } from '#wire/fields/media-type.ts';
import type { MediaRule } from './contract.ts';
import { type BodyReading, readForm, readMultipartForm } from './form-body.ts';
import { jsonFaults, readJson } from './json-text.ts';
import { toTyped } from './typed-text.ts';
import { createViolation } from './violation.ts';

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** Whether bodies of this type are looked into. Of others, only the type is checked. */
export function isReadable(contentType: string): boolean {
  const type = readMediaType(contentType) ?? '';
  return isJsonType(type) || type === FORM || type === MULTIPART || type.startsWith('text/');
}

/** Forms that may hold files, and then be long. */
export function isMultipartForm(contentType: string): boolean {
  return readMediaType(contentType) === MULTIPART;
}

/** Only of those that are readable. */
export function readBody(media: MediaRule, contentType: string, bytes: Buffer, depthMax: number): BodyReading {
  const type = readMediaType(contentType) ?? '';
  if (isJsonType(type)) {
    const reading = readJson(bytes, depthMax);
    return 'value' in reading ? reading : { violation: createViolation('body', '', reading.fault, jsonFaults[reading.fault]) };
  }
  if (type === FORM) return readForm(media, bytes.latin1Slice());
  if (type === MULTIPART) return readMultipartForm(media, contentType, bytes);
  return { value: toTyped(bytes.toString('utf8'), media.shape) };
}
