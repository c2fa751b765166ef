/** Bodies without their secrets, by what they are. A body in which a secret could not be found for certain is not kept. */
import { isUtf8 } from 'node:buffer';
import { coversPlace } from '#http/answer-diff/pointer-pattern.ts';
import { getField } from '#wire/fields/field-list.ts';
import { readJson } from '#wire/json/json-document.ts';
import type { JsonValue } from '#wire/json/json-value.ts';
import type { RecordedBody } from './recorded-exchange.ts';
import type { Redactor } from './redactor.ts';

export interface KeptBytes {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
  readonly lengthBytes: number;
}

/** Unpacks the whole of a body; `undefined`: it cannot, or it would be too long. */
export type Unpack = (coding: string, bytes: Buffer) => Buffer | undefined;

export function toRecordedBody(kept: KeptBytes, fields: readonly string[], redactor: Redactor, unpack: Unpack): RecordedBody {
  const { lengthBytes, isWhole } = kept;
  if (lengthBytes === 0) return { bytes: 0 };
  const coding = getField(fields, 'content-encoding')?.trim().toLowerCase() ?? '';
  const isCoded = coding !== '' && coding !== 'identity';
  const plain = isCoded ? (isWhole ? unpack(coding, kept.bytes) : undefined) : kept.bytes;
  const size = { bytes: lengthBytes, ...(isCoded && { coding }) };
  if (plain === undefined) return { ...size, omitted: 'it is compressed, and cannot be looked into' };
  if (plain.length === 0) return { ...size, omitted: 'nothing of it is kept' };
  const truncated = !isWhole && { truncated: true as const };
  if (!isText(plain, isWhole)) return { ...size, base64: plain.toString('base64'), ...truncated };
  const type = (getField(fields, 'content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();
  const text = redactByType(type, { bytes: plain, isWhole }, redactor);
  if (text === undefined) return { ...size, omitted: 'it may hold what is to be redacted' };
  const isRedacted = text !== plain.toString('utf8');
  return { ...size, text, ...(isRedacted && { redacted: true as const }), ...truncated };
}

/** What is cut may end within a character. */
function isText(bytes: Buffer, isWhole: boolean): boolean {
  if (isUtf8(bytes)) return true;
  if (isWhole) return false;
  for (let cut = 1; cut < UTF8_BYTES_MAX && cut < bytes.length; cut++)
    if (isUtf8(bytes.subarray(0, bytes.length - cut))) return true;
  return false;
}

const UTF8_BYTES_MAX = 4;

/** `undefined`: it may not be kept. */
function redactByType(type: string, { bytes, isWhole }: Omit<KeptBytes, 'lengthBytes'>, redactor: Redactor): string | undefined {
  const text = bytes.toString('utf8');
  if (type === 'application/x-www-form-urlencoded') return redactor.redactParameters(text);
  if (type.startsWith('multipart/')) return holdsSecretPart(text, redactor) ? undefined : redactor.redactText(text);
  // Some call their JSON text, or do not say what it is.
  return type.includes('json') || /^\s*[[{]/.test(text) ? redactJson(bytes, isWhole, redactor) : redactAny(text, redactor);
}

/** What is written like JSON or like XML. */
function redactAny(text: string, redactor: Redactor): string {
  return redactor.redactText(redactNamed(redactElements(text, redactor), redactor));
}

function redactJson(bytes: Buffer, isWhole: boolean, redactor: Redactor): string | undefined {
  const document = isWhole ? readJson(bytes) : undefined;
  if (document !== undefined && !('reason' in document)) {
    const spans: Span[] = [];
    collectSpans(document.root, { redactor, spans, place: [] });
    return redactor.redactText(replaceSpans(bytes, spans, redactor));
  }
  // Where it ends early, nobody knows whether a place has been reached.
  if (redactor.rules.places.length > 0) return undefined;
  const text = bytes.toString('utf8');
  return holdsSecretGroup(text, redactor) ? undefined : redactAny(text, redactor);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Search {
  readonly redactor: Redactor;
  readonly spans: Span[];
  readonly place: string[];
}

/** In the order in which they stand, none within another. */
function collectSpans(value: JsonValue, search: Search): void {
  const { redactor, spans, place } = search;
  if (redactor.rules.places.some((pattern) => coversPlace(pattern, place))) {
    spans.push({ start: value.start, end: value.end });
    return;
  }
  for (const [index, item] of (value.items() ?? []).entries()) {
    place.push(String(index));
    collectSpans(item, search);
    place.pop();
  }
  for (const member of value.members() ?? []) {
    const name = member.name.text;
    place.push(name);
    const isSecret = redactor.isSecretMember(name) && member.value.kind !== 'null' && member.value.kind !== 'boolean';
    if (isSecret) spans.push({ start: member.value.start, end: member.value.end });
    else collectSpans(member.value, search);
    place.pop();
  }
}

function replaceSpans(bytes: Buffer, spans: readonly Span[], redactor: Redactor): string {
  let text = '';
  let from = 0;
  for (const { start, end } of spans) {
    text += `${bytes.toString('utf8', from, start)}"${redactor.digest(bytes.toString('utf8', start, end))}"`;
    from = end;
  }
  return text + bytes.toString('utf8', from);
}

/** `"name": "value"` anywhere, also where the text ends within it. */
const namedValue = /"((?:[^"\\]|\\.){1,64})"(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?$)|-?\d[\d.eE+-]*)/g;

function redactNamed(text: string, redactor: Redactor): string {
  return text.replace(namedValue, (whole, name: string, colon: string, value: string) =>
    redactor.isSecretMember(name) ? `"${name}"${colon}"${redactor.digest(value)}"` : whole,
  );
}

/** `"name": {` or `"name": [`: where that ends is not looked for. */
const namedGroup = /"((?:[^"\\]|\\.){1,64})"\s*:\s*[[{]/g;

function holdsSecretGroup(text: string, redactor: Redactor): boolean {
  for (const [, name] of text.matchAll(namedGroup)) if (redactor.isSecretMember(name!)) return true;
  return false;
}

/** `<name>value` of XML, where the value may be written as it is. */
const element = /<([\w:.-]{1,64})(\s[^<>]*)?>((?:[^<]|<!\[CDATA\[[\s\S]*?(?:\]\]>|$))+)/g;

function redactElements(text: string, redactor: Redactor): string {
  return text.replace(element, (whole, name: string, attributes: string | undefined, value: string) =>
    redactor.isSecretMember(name.replace(/^.*:/, '')) ? `<${name}${attributes ?? ''}>${redactor.digest(value)}` : whole,
  );
}

/** RFC 7578 §4.2. */
const partName = /\bname="?([^";\r\n]{1,64})/gi;

function holdsSecretPart(text: string, redactor: Redactor): boolean {
  for (const [, name] of text.matchAll(partName)) if (redactor.isSecretMember(name!)) return true;
  return false;
}
