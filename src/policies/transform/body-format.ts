/** What a body is by its type, and what it becomes. JSON stands in the middle: forms and XML are read into it and written from it. */
import { isUtf8 } from 'node:buffer';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { isJsonType, withoutParameters } from '#wire/fields/media-type.ts';
import { JsonDocument, readJson } from '#wire/json/json-document.ts';
import type { JsonFault } from '#wire/json/json-reader.ts';
import type { BodyFault } from './body-fault.ts';
import type { BodyFormat } from './config.ts';
import { formToJson, valueToForm } from './form.ts';
import { valueToXml, xmlToJson } from './xml.ts';

export const contentTypes: Readonly<Record<BodyFormat, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'application/xml',
};

/** `undefined`: another type, or none. */
export function findFormat(contentType: string | undefined): BodyFormat | undefined {
  const type = withoutParameters(contentType ?? '');
  if (isJsonType(type)) return 'json';
  if (type === contentTypes.xml || type === 'text/xml' || type.endsWith('+xml')) return 'xml';
  return type === contentTypes.form ? 'form' : undefined;
}

export function readBody(bytes: Buffer, format: BodyFormat): JsonDocument | BodyFault {
  if (format !== 'json' && !isUtf8(bytes)) return { fault: 'it is not in UTF-8' };
  const json = format === 'json' ? bytes : format === 'form' ? formToJson(bytes) : xmlToJson(bytes);
  if ('fault' in json) return json;
  const document = readJson(json);
  if (document instanceof JsonDocument) return document;
  return { fault: explainFault(document) };
}

export function explainFault({ reason, atByte }: JsonFault): string {
  return `${faultTexts[reason]}, at byte ${atByte}`;
}

const faultTexts = {
  syntax: 'it is not JSON',
  utf8: 'it is not in UTF-8',
  'too-deep': 'it is nested too deeply',
  'too-many-values': 'it has too many values',
  truncated: 'it ends too early',
  empty: 'it is empty',
} as const;

export function writeBody(value: MappingValue, format: 'form' | 'xml', bytesMax: number): Buffer | BodyFault {
  return format === 'form' ? valueToForm(value, bytesMax) : valueToXml(value, bytesMax);
}
