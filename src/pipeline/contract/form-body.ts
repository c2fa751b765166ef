/**
 * Forms as the values that schemas speak of: `application/x-www-form-urlencoded`, and `multipart/form-data`, whose parts may be files. What a
 * document says of how a property is written (OpenAPI 3.1 §4.8.15) is gone by. All input is attacker-controlled, and its length is capped.
 */
import { isUtf8 } from 'node:buffer';
import { isInUtf8, isJsonType, readMediaType } from '#wire/fields/media-type.ts';
import { type FormPart, formPartsFaults, readFormParts } from '#wire/multipart/form-parts.ts';
import type { MediaRule, PropertyEncoding, TextShape } from './contract.ts';
import { jsonFaults, readJson } from './json-text.ts';
import { findMedia } from './media-ranges.ts';
import { readQueryParameter } from './parameter-value.ts';
import { decodeText, readQueryParts } from './query-parts.ts';
import { isArrayShape, isObjectShape, shapeOfItem, shapeOfProperty, toTyped } from './typed-text.ts';
import { createViolation, toPointer, type Violation } from './violation.ts';

export type BodyReading = { readonly value: unknown } | { readonly violation: Violation };

/** A value of a form may be JSON. */
const JSON_DEPTH_MAX = 32;

export function readForm({ shape, encoding = {} }: MediaRule, text: string): BodyReading {
  const parts = readQueryParts(text);
  const form = new FormEntries();
  for (const [name, said] of Object.entries(encoding)) {
    const reading = readQueryParameter(toRule(name, said, shapeOfProperty(shape, name)), parts);
    if (reading === undefined) continue;
    if ('fault' in reading) return wrong(name, reading.fault.keyword, reading.fault.message);
    form.set(name, reading.value);
  }
  for (const { key, text: written, isTaken } of parts) {
    if (isTaken) continue;
    const decoded = decodeText(written, true);
    if (key === undefined || decoded === undefined)
      return { violation: createViolation('body', '', 'encoding', 'is not percent-encoded UTF-8') };
    const property = shapeOfProperty(shape, key);
    const isItem = isArrayShape(property);
    const value = isItem ? toTyped(decoded, shapeOfItem(property)) : toFormValue(decoded, property);
    if (!form.add(key, value, isItem)) return wrong(key, 'duplicate', 'is given more than once');
  }
  return { value: form.value };
}

export function readMultipartForm({ shape, encoding = {} }: MediaRule, contentType: string, bytes: Buffer): BodyReading {
  const parts = readFormParts(contentType, bytes);
  if (typeof parts === 'string') return { violation: createViolation('body', '', 'syntax', formPartsFaults[parts]) };
  const form = new FormEntries();
  for (const part of parts) {
    const { name } = part;
    const property = shapeOfProperty(shape, name);
    const isItem = isArrayShape(property);
    const said = Object.hasOwn(encoding, name) ? encoding[name] : undefined;
    const reading = readPart(part, isItem ? shapeOfItem(property) : property, said);
    if ('violation' in reading) return reading;
    if (!form.add(name, reading.value, isItem)) return wrong(name, 'duplicate', 'is given more than once');
  }
  return { value: form.value };
}

/** By names that clients choose. */
class FormEntries {
  readonly #entries = new Map<string, unknown>();

  get value(): unknown {
    return Object.fromEntries(this.#entries);
  }

  set(name: string, value: unknown): void {
    this.#entries.set(name, value);
  }

  /** `isItem`: one of several of this name. False: there is one already. */
  add(name: string, value: unknown, isItem: boolean): boolean {
    const before = this.#entries.get(name);
    if (isItem && Array.isArray(before)) before.push(value);
    else if (this.#entries.has(name)) return false;
    else this.#entries.set(name, isItem ? [value] : value);
    return true;
  }
}

function toRule(name: string, { style, explode, ranges }: PropertyEncoding, shape: TextShape) {
  // OpenAPI 3.1 §4.8.15.1: a type counts only where nothing is said of the style.
  const content = style === undefined && ranges.some((range) => isJsonType(range)) ? 'json' : undefined;
  const written = { style: style ?? 'form', explode, content } as const;
  return { in: 'query', name, isRequired: false, allowsEmpty: false, ...written, shape, use: undefined } as const;
}

/** An object inside of a form is JSON (OpenAPI 3.1 §4.8.15.1). */
function toFormValue(text: string, shape: TextShape): unknown {
  if (!isObjectShape(shape)) return toTyped(text, shape);
  const reading = readJson(Buffer.from(text), JSON_DEPTH_MAX);
  return 'value' in reading ? reading.value : text;
}

function readPart({ name, contentType, bytes }: FormPart, shape: TextShape, said: PropertyEncoding | undefined): BodyReading {
  // RFC 7578 §4.4.
  const type = readMediaType(contentType ?? 'text/plain');
  const ranges = (said?.ranges ?? []).map((range) => ({ range }));
  if (type === undefined || (ranges.length > 0 && findMedia(ranges, type) === undefined))
    return wrong(name, 'contentType', 'is of a media type that is not taken');
  if (isJsonType(type) || (contentType === undefined && isObjectShape(shape))) {
    const reading = readJson(bytes, JSON_DEPTH_MAX);
    return 'value' in reading ? reading : wrong(name, reading.fault, jsonFaults[reading.fault]);
  }
  // Bytes as they are: one character each.
  if (!type.startsWith('text/')) return { value: bytes.latin1Slice() };
  if (!isInUtf8(contentType ?? '') || !isUtf8(bytes)) return wrong(name, 'encoding', 'is not UTF-8');
  return { value: toTyped(bytes.toString('utf8'), shape) };
}

function wrong(name: string, keyword: string, message: string): BodyReading {
  return { violation: createViolation('body', toPointer(name), keyword, message) };
}
