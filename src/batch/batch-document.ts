/** A batch as its client wrote it: a JSON document with requests in it. All of it is attacker-controlled. */
import type { GatewayError } from '#base/errors.ts';
import { findHeadFault } from '#http/written-request.ts';
import { isForwardingName, isKeptName } from '#wire/http1/field-names.ts';
import { readJson } from '#wire/json/json-document.ts';
import type { JsonMember, JsonValue } from '#wire/json/json-value.ts';
import { batchErrors } from './batch-errors.ts';

export interface BatchItem {
  /** As it was written, for the answer. */
  readonly id: Buffer | undefined;
  /** An error: why it is no request. */
  readonly request: ItemRequest | GatewayError;
}

export interface ItemRequest {
  readonly method: string;
  /** Path and query, not yet normalised. */
  readonly target: string;
  /** Lower-case names and values, alternating. */
  readonly fields: readonly string[];
  readonly body: Buffer;
}

const ID_BYTES_MAX = 256;
const BODY_NAMES = ['body', 'text', 'base64'] as const;
const ITEM_NAMES: ReadonlySet<string> = new Set(['id', 'method', 'path', 'headers', ...BODY_NAMES]);
const BATCH_NAMES: ReadonlySet<string> = new Set(['requests']);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

type BodyName = (typeof BODY_NAMES)[number];

const contentTypes: Readonly<Record<BodyName, string>> = {
  body: 'application/json',
  text: 'text/plain; charset=utf-8',
  base64: 'application/octet-stream',
};

/** The requests in the order of the document, those that cannot be understood among them; an error where it is no batch at all. */
export function readBatch(bytes: Buffer, requestsMax: number): readonly BatchItem[] | GatewayError {
  const document = readJson(bytes);
  if ('reason' in document) return malformed(`it is not JSON (${document.reason} at byte ${document.atByte})`);
  const items = findRequests(document.root);
  if (typeof items === 'string') return malformed(items);
  if (items.length > requestsMax)
    return batchErrors.tooMany({ requests: items.length, requestsMax }, { publicDetail: `at most ${requestsMax} are taken` });
  return items.map(readItem);
}

function malformed(publicDetail: string): GatewayError {
  return batchErrors.malformed(undefined, { publicDetail });
}

function findRequests(root: JsonValue): JsonValue[] | string {
  const list = root.items();
  if (list !== undefined) return list;
  const found = readMembers(root.members(), BATCH_NAMES);
  if (typeof found === 'string') return found;
  return found.get('requests')?.items() ?? 'it is a list of requests, or an object with `requests`, which is one';
}

function readItem(value: JsonValue): BatchItem {
  const found = readMembers(value.members(), ITEM_NAMES);
  const request = typeof found === 'string' ? found : readRequest(found);
  const idValue = typeof found === 'string' ? findId(value) : found.get('id');
  const id = idValue === undefined || !isId(idValue) ? undefined : idValue.bytes;
  if (typeof request === 'string') return { id, request: malformedRequest(request) };
  if (idValue !== undefined && id === undefined)
    return { id, request: malformedRequest(`an \`id\` is a text or a number of at most ${ID_BYTES_MAX} bytes`) };
  return { id, request };
}

function malformedRequest(publicDetail: string): GatewayError {
  return batchErrors.malformedRequest(undefined, { publicDetail });
}

/** Of a request that is refused anyway: its client looks for it in the answers. */
function findId(value: JsonValue): JsonValue | undefined {
  return value.members()?.find(({ name }) => name.text === 'id')?.value;
}

function isId(value: JsonValue): boolean {
  return (value.kind === 'string' || value.kind === 'number') && value.end - value.start <= ID_BYTES_MAX;
}

/** A name that stands twice would mean one thing to us and another to who looked at the document before. */
function readMembers(members: readonly JsonMember[] | undefined, names: ReadonlySet<string>): Map<string, JsonValue> | string {
  if (members === undefined) return 'it is no object';
  const found = new Map<string, JsonValue>();
  for (const { name, value } of members) {
    const { text } = name;
    if (!names.has(text)) return `it has a member that means nothing here; there are ${listNames(names)}`;
    if (found.has(text)) return `it has \`${text}\` twice`;
    found.set(text, value);
  }
  return found;
}

function listNames(names: Iterable<string>): string {
  return [...names].map((name) => `\`${name}\``).join(', ');
}

function readRequest(found: ReadonlyMap<string, JsonValue>): ItemRequest | string {
  const method = found.get('method');
  const path = found.get('path');
  if (method !== undefined && method.kind !== 'string') return '`method` is a text';
  if (path?.kind !== 'string') return '`path` is a text, such as `/orders/7`';
  const target = path.text;
  // RFC 9112 §3.2: of all forms of a target the one that names no host.
  if (!target.startsWith('/')) return '`path` begins with a slash; a batch asks its own host alone';
  const fields = readFields(found.get('headers'));
  if (typeof fields === 'string') return fields;
  const body = readBody(found, fields);
  if (typeof body === 'string') return body;
  const request = { method: method?.text ?? 'GET', target, fields, body };
  return findHeadFault(request) ?? request;
}

function readFields(headers: JsonValue | undefined): string[] | string {
  if (headers === undefined) return [];
  const members = headers.members();
  if (members === undefined) return '`headers` is an object';
  const fields: string[] = [];
  for (const { name, value } of members) {
    const values = value.kind === 'list' ? value.items()! : [value];
    if (values.some(({ kind }) => kind !== 'string')) return 'a value of `headers` is a text, or a list of texts';
    const lower = name.text.toLowerCase();
    if (!mayBeSet(lower)) return `\`${lower}\` is not for a request of a batch to say`;
    for (const one of values) fields.push(lower, trimSpace(one.text));
  }
  return fields;
}

/**
 * What frames a message, belongs to a connection or says where a request came from is the gateway's; what browsers say of pages
 * is not the pages' to say; and an answer that is compressed by itself could not stand in another.
 */
function mayBeSet(name: string): boolean {
  if (!isKeptName(name) || isForwardingName(name)) return false;
  return name !== 'accept-encoding' && !isBrowserName(name) && !ownPrefixes.some((prefix) => name.startsWith(prefix));
}

const ownPrefixes = ['proxy-', 'x-forwarded-', 'access-control-'] as const;

/** Of fields that only browsers themselves set (Fetch §2.2.2), those by which they tell on whose behalf they ask. */
export function isBrowserName(name: string): boolean {
  return name === 'origin' || name === 'referer' || name.startsWith('sec-');
}

/** RFC 9110 §5.5: spaces around a value are none of it. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const noBytes = Buffer.alloc(0);

/** A body says its type where the request does not. */
function readBody(found: ReadonlyMap<string, JsonValue>, fields: string[]): Buffer | string {
  const [name, other] = BODY_NAMES.filter((each) => found.has(each));
  if (name === undefined) return noBytes;
  if (other !== undefined) return `\`${name}\` and \`${other}\` exclude each other`;
  const value = found.get(name)!;
  if (name !== 'body' && value.kind !== 'string') return `\`${name}\` is a text`;
  const bytes = toBytes(name, value);
  if (bytes === undefined) return '`base64` is not base64 (RFC 4648 §4)';
  if (!fields.some((each, i) => i % 2 === 0 && each === 'content-type')) fields.push('content-type', contentTypes[name]);
  return bytes;
}

function toBytes(name: BodyName, value: JsonValue): Buffer | undefined {
  if (name === 'body') return value.bytes;
  const { text } = value;
  if (name === 'text') return Buffer.from(text);
  return text.length % 4 === 0 && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
