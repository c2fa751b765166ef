/**
 * One parameter of a request, from its text to the value that a schema speaks of: the styles of OpenAPI (3.1 §4.8.12), which
 * are those of RFC 6570. What delimits values is looked for before anything is decoded. All input is attacker-controlled.
 */
import type { ParameterPlace, ParameterRule, ParameterStyle, TextShape } from './contract.ts';
import { jsonFaults, readJson } from './json-text.ts';
import { decodeText, type QueryPart } from './query-parts.ts';
import { isArrayShape, isObjectShape, shapeOfItem, shapeOfProperty, toTyped } from './typed-text.ts';

export interface ParameterFault {
  readonly keyword: 'required' | 'duplicate' | 'encoding' | 'style' | 'syntax';
  readonly message: string;
}

/** `undefined`: it is not there, and need not be. */
export type ParameterReading = { readonly value: unknown } | { readonly fault: ParameterFault } | undefined;

/** How parameters in a place are written besides their style. */
interface Writing {
  /** RFC 6570 percent-encodes; fields of a head are as they are. */
  readonly isEncoded: boolean;
  readonly plusIsSpace: boolean;
}

const inQuery: Writing = { isEncoded: true, plusIsSpace: true };
const inPath: Writing = { isEncoded: true, plusIsSpace: false };
const inField: Writing = { isEncoded: false, plusIsSpace: false };

const JSON_DEPTH_MAX = 32;
/** `a[b][c]`: deeper, nobody agrees on what it means. */
const BRACKETS_MAX = 4;

const anyText: TextShape = { types: [] };
const missing: ParameterFault = { keyword: 'required', message: 'is missing' };
const nameTwice: ParameterFault = { keyword: 'duplicate', message: 'has a name twice' };
const notDecodable: ParameterFault = { keyword: 'encoding', message: 'is not percent-encoded UTF-8' };

/** `text`: what stands in the place of the template's expression. */
export function readPathParameter(rule: ParameterRule, text: string): ParameterReading {
  return readText(rule, text, inPath);
}

/** `text`: all lines of the field, joined. */
export function readHeaderParameter(rule: ParameterRule, text: string | undefined): ParameterReading {
  if (text === undefined) return toMissing(rule);
  return readText(rule, text, inField);
}

/** `parts`: all cookies. */
export function readCookieParameter(rule: ParameterRule, parts: readonly QueryPart[]): ParameterReading {
  return readForm(rule, parts, inPath);
}

export function readQueryParameter(rule: ParameterRule, parts: readonly QueryPart[]): ParameterReading {
  if (rule.style === 'deepObject' && rule.content === undefined) return readDeepObject(rule, parts);
  return readForm(rule, parts, inQuery);
}

/** All parameters of a place as one object. */
export function readWholePlace(place: ParameterPlace, shape: TextShape, parts: readonly QueryPart[]): ParameterReading {
  const open = { ...shape, rest: shape.rest ?? anyText };
  const writing = place === 'query' ? inQuery : place === 'header' ? inField : inPath;
  return readSpreadObject({ shape: open, isRequired: false }, parts, writing) ?? { value: {} };
}

function readForm(rule: ParameterRule, parts: readonly QueryPart[], writing: Writing): ParameterReading {
  const { name, shape, content, explode } = rule;
  if (explode && content === undefined && isObjectShape(shape)) return readSpreadObject(rule, parts, writing);
  const own = parts.filter(({ key }) => key === name);
  if (own.length === 0) return toMissing(rule);
  for (const part of own) part.isTaken = true;
  if (explode && content === undefined && isArrayShape(shape)) return toArray(texts(own), shape, writing);
  if (own.length > 1) return { fault: { keyword: 'duplicate', message: `is given ${own.length} times` } };
  return readText(rule, own[0]!.text, writing);
}

function readText(rule: ParameterRule, text: string, writing: Writing): ParameterReading {
  const { shape, content } = rule;
  if (text === '' && rule.allowsEmpty) return undefined;
  if (content !== undefined) return readContent(text, content, writing);
  const body = withoutPrefix(rule, text);
  if (body === undefined) return { fault: { keyword: 'style', message: `is not written in the style \`${rule.style}\`` } };
  if (isArrayShape(shape)) return toArray(splitItems(rule, body), shape, writing);
  if (isObjectShape(shape)) return toObject(toPairs(rule, body), shape, writing);
  const decoded = decode(body, writing);
  return decoded === undefined ? { fault: notDecodable } : { value: toTyped(decoded, shape) };
}

function readContent(text: string, content: 'json' | 'text', writing: Writing): ParameterReading {
  const decoded = decode(text, writing);
  if (decoded === undefined) return { fault: notDecodable };
  if (content === 'text') return { value: decoded };
  // A head is at most limits.headBytesMax long.
  const reading = readJson(Buffer.from(decoded), JSON_DEPTH_MAX);
  return 'value' in reading ? reading : { fault: { keyword: 'syntax', message: jsonFaults[reading.fault] } };
}

/** `.` and `;name=` of the styles that have them; `undefined` where they are missing. */
function withoutPrefix({ style, name, shape, explode }: ParameterRule, text: string): string | undefined {
  if (style === 'label') return text.startsWith('.') ? text.slice(1) : undefined;
  if (style !== 'matrix') return text;
  if (!text.startsWith(';')) return undefined;
  if (explode && (isArrayShape(shape) || isObjectShape(shape))) return text.slice(1);
  const rest = text.slice(1 + name.length);
  if (!text.startsWith(name, 1)) return undefined;
  return rest === '' ? '' : rest.startsWith('=') ? rest.slice(1) : undefined;
}

function splitItems({ style, explode, name }: ParameterRule, text: string): string[] {
  const items = text.split(delimiterOf(style, explode));
  if (style !== 'matrix' || !explode) return items;
  // `;color=blue;color=black`.
  return items.map((item) => (item.startsWith(`${name}=`) ? item.slice(name.length + 1) : item));
}

function delimiterOf(style: ParameterStyle, explode: boolean): string | RegExp {
  switch (style) {
    case 'spaceDelimited':
      return /%20|\+| /;
    case 'pipeDelimited':
      return /\||%7C/i;
    case 'label':
      return explode ? '.' : ',';
    case 'matrix':
      return explode ? ';' : ',';
    default:
      return ',';
  }
}

/** `R=100,G=200` where properties are spread, otherwise `R,100,G,200`. `undefined`: a name without a value. */
function toPairs({ style, explode }: ParameterRule, text: string): [string, string][] | undefined {
  const items = text.split(delimiterOf(style, explode));
  if (explode) {
    return items.map((item): [string, string] => {
      const equals = item.indexOf('=');
      return equals < 0 ? [item, ''] : [item.slice(0, equals), item.slice(equals + 1)];
    });
  }
  if (items.length % 2 !== 0) return text === '' ? [] : undefined;
  return Array.from({ length: items.length / 2 }, (_, i): [string, string] => [items[2 * i]!, items[2 * i + 1]!]);
}

function toArray(items: readonly string[], shape: TextShape, writing: Writing): ParameterReading {
  const values: unknown[] = [];
  for (const item of items) {
    const decoded = decode(item, writing);
    if (decoded === undefined) return { fault: notDecodable };
    values.push(toTyped(decoded, shapeOfItem(shape)));
  }
  return { value: values };
}

function toObject(pairs: readonly [string, string][] | undefined, shape: TextShape, writing: Writing): ParameterReading {
  if (pairs === undefined) return { fault: { keyword: 'style', message: 'has a name without a value' } };
  const entries = new Map<string, unknown>();
  for (const [name, text] of pairs) {
    const key = decode(name, writing);
    const decoded = decode(text, writing);
    if (key === undefined || decoded === undefined) return { fault: notDecodable };
    if (entries.has(key)) return { fault: nameTwice };
    entries.set(key, toTyped(decoded, shapeOfProperty(shape, key)));
  }
  return { value: Object.fromEntries(entries) };
}

/** Each property is a parameter by itself: `?R=100&G=200`. Those without a name of their own are all that nobody else has taken. */
function readSpreadObject(
  rule: Pick<ParameterRule, 'shape' | 'isRequired'>,
  parts: readonly QueryPart[],
  writing: Writing,
): ParameterReading {
  const { shape } = rule;
  const entries = new Map<string, unknown>();
  for (const part of parts) {
    const { key } = part;
    const isNamed = key !== undefined && shape.properties !== undefined && Object.hasOwn(shape.properties, key);
    if (key === undefined || (!isNamed && (shape.rest === undefined || part.isTaken))) continue;
    const decoded = decode(part.text, writing);
    if (decoded === undefined) return { fault: notDecodable };
    part.isTaken = true;
    const propertyShape = shapeOfProperty(shape, key);
    const value = toTyped(decoded, isArrayShape(propertyShape) ? shapeOfItem(propertyShape) : propertyShape);
    const before = entries.get(key);
    if (Array.isArray(before)) before.push(value);
    // What nobody declares may be there as often as it likes.
    else if (entries.has(key) && !isNamed) entries.set(key, [before, value]);
    else if (entries.has(key)) return { fault: nameTwice };
    else entries.set(key, isArrayShape(propertyShape) ? [value] : value);
  }
  return entries.size === 0 ? toMissing(rule) : { value: Object.fromEntries(entries) };
}

/** `?color[R]=100&color[G]=200`. */
function readDeepObject(rule: ParameterRule, parts: readonly QueryPart[]): ParameterReading {
  const { name, shape } = rule;
  const root = new Map<string, unknown>();
  for (const part of parts) {
    if (part.key === undefined || !part.key.startsWith(`${name}[`) || !part.key.endsWith(']')) continue;
    part.isTaken = true;
    const steps = part.key.slice(name.length + 1, -1).split('][');
    const decoded = decode(part.text, inQuery);
    if (decoded === undefined) return { fault: notDecodable };
    if (steps.length > BRACKETS_MAX) return { fault: { keyword: 'style', message: 'is nested too deeply' } };
    if (!putDeep(root, shape, steps, decoded)) return { fault: nameTwice };
  }
  return root.size === 0 ? toMissing(rule) : { value: toPlain(root) };
}

/** False: something is there already. */
function putDeep(holder: Map<string, unknown>, shape: TextShape, steps: readonly string[], text: string): boolean {
  const [step = '', ...rest] = steps;
  const inner = shapeOfProperty(shape, step);
  const before = holder.get(step);
  if (isArrayShape(inner) && (rest.length === 0 || (rest.length === 1 && rest[0] === ''))) {
    if (before !== undefined && !Array.isArray(before)) return false;
    const value = toTyped(text, shapeOfItem(inner));
    if (before === undefined) holder.set(step, [value]);
    else before.push(value);
    return true;
  }
  if (rest.length === 0) {
    if (before !== undefined) return false;
    holder.set(step, toTyped(text, inner));
    return true;
  }
  const next = before ?? new Map<string, unknown>();
  if (!(next instanceof Map)) return false;
  holder.set(step, next);
  return putDeep(next, inner, rest, text);
}

function toPlain(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([name, item]) => [name, toPlain(item)]));
}

function toMissing({ isRequired }: Pick<ParameterRule, 'isRequired'>): ParameterReading {
  return isRequired ? { fault: missing } : undefined;
}

function texts(parts: readonly QueryPart[]): string[] {
  return parts.map(({ text }) => text);
}

function decode(text: string, { isEncoded, plusIsSpace }: Writing): string | undefined {
  return isEncoded ? decodeText(text, plusIsSpace) : text;
}
