/** Bodies of requests and answers as the values that schemas speak of. All input is attacker-controlled, and its length is capped. */

import { isJsonType, readMediaType } from '#wire/fields/media-type.ts';
import type { MediaRule } from './contract.ts';
import { jsonFaults, readJson } from './json-text.ts';
import { decodeText, readQueryParts } from './query-parts.ts';
import { isArrayShape, isObjectShape, shapeOfItem, shapeOfProperty, toTyped } from './typed-text.ts';
import { createViolation, toPointer, type Violation } from './violation.ts';

export type BodyReading = { readonly value: unknown } | { readonly violation: Violation };

const FORM = 'application/x-www-form-urlencoded';
/** A value of a form may be JSON. */
const FORM_JSON_DEPTH_MAX = 32;

/** Whether bodies of this type are looked into. Of others, only the type is checked. */
export function isReadable(contentType: string): boolean {
  const type = readMediaType(contentType) ?? '';
  return isJsonType(type) || type === FORM || type.startsWith('text/');
}

/** Only of those that are readable. */
export function readBody({ shape }: MediaRule, contentType: string, bytes: Buffer, depthMax: number): BodyReading {
  const type = readMediaType(contentType) ?? '';
  if (isJsonType(type)) {
    const reading = readJson(bytes, depthMax);
    return 'value' in reading ? reading : { violation: createViolation('body', '', reading.fault, jsonFaults[reading.fault]) };
  }
  const text = bytes.latin1Slice();
  return type === FORM ? readForm(shape, text) : { value: toTyped(bytes.toString('utf8'), shape) };
}

function readForm(shape: MediaRule['shape'], text: string): BodyReading {
  const entries = new Map<string, unknown>();
  for (const { key, text: written } of readQueryParts(text)) {
    const decoded = decodeText(written, true);
    if (key === undefined || decoded === undefined)
      return { violation: createViolation('body', '', 'encoding', 'is not percent-encoded UTF-8') };
    const property = shapeOfProperty(shape, key);
    const before = entries.get(key);
    if (Array.isArray(before)) before.push(toTyped(decoded, shapeOfItem(property)));
    else if (entries.has(key))
      return { violation: createViolation('body', toPointer(key), 'duplicate', 'is given more than once') };
    else entries.set(key, isArrayShape(property) ? [toTyped(decoded, shapeOfItem(property))] : toFormValue(decoded, property));
  }
  return { value: Object.fromEntries(entries) };
}

/** An object inside of a form is JSON (OpenAPI 3.1 §4.8.15.1). */
function toFormValue(text: string, shape: MediaRule['shape']): unknown {
  if (!isObjectShape(shape)) return toTyped(text, shape);
  const reading = readJson(Buffer.from(text), FORM_JSON_DEPTH_MAX);
  return 'value' in reading ? reading.value : text;
}
