/**
 * Fills the request into templates. Most variables hold what a client sent: each place keeps them from being more than a
 * value there, such as another field, another path segment or another parameter.
 */
import { findClaim, readClaimText } from '#http/claims.ts';
import type { Exchange } from '#http/exchange.ts';
import { decodeWhole, findQueryParameter } from '#http/query-parameter.ts';
import type { Template, TemplateVariable } from '#schema/template.ts';
import { findCookie } from '#wire/fields/cookies.ts';
import { toForwardedQuery } from './shown-credential.ts';

/** Where the text goes, which decides how what a client sent is written into it. */
export type TemplatePlace =
  /** What the path brought stays percent-encoded as it came; anything else becomes part of one segment. */
  | 'path'
  /** Without `?`. Values stay or become percent-encoded, so that none begins another parameter. */
  | 'query'
  /** A field value: decoded where that gives visible ASCII, else percent-encoded as it came. */
  | 'field'
  | 'text'
  /** The inside of a JSON string. */
  | 'json';

/** RFC 3986 §3.3: what cannot stand in a segment, and a percent sign that encodes nothing. */
const NOT_IN_SEGMENT = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@%]/gu;
/** RFC 3986 §3.4, and what separates parameters or means a space in them. */
const NOT_IN_PARAMETER = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$'()*,:@/?%]/gu;
const NOT_VISIBLE_ASCII = /[^\t\x20-\x7e]/;
const NOT_UNRESERVED = /[^A-Za-z0-9\-._~:]/g;

/** Fills in a template's variables for one exchange. A variable without a value is empty. */
export function renderTemplate(template: Template, exchange: Exchange, place: TemplatePlace): string {
  let text = '';
  for (const part of template.parts) text += typeof part === 'string' ? part : renderVariable(part, exchange, place);
  return text;
}

/** What a variable stands for, as it is written at this place; empty without a value. */
export function renderVariable(variable: TemplateVariable, exchange: Exchange, place: TemplatePlace): string {
  const value = readEncoded(variable, exchange);
  if (value === undefined) return renderPlain(readPlain(variable, exchange), place);
  switch (place) {
    case 'path':
      return isPath(variable) ? value : value.replace(NOT_IN_SEGMENT, encodeURIComponent);
    case 'query':
      return variable.kind === 'query' ? value : value.replace(NOT_IN_PARAMETER, encodeURIComponent);
    case 'field': {
      const decoded = decodeWhole(value);
      return NOT_VISIBLE_ASCII.test(decoded) ? value : decoded;
    }
    case 'text':
      return decodeWhole(value);
    case 'json':
      return escapeJson(decodeWhole(value));
    default:
      return place satisfies never;
  }
}

/** Values of fields are bytes, one to a character; as text they are UTF-8 where they can be. */
function renderPlain(value: string, place: TemplatePlace): string {
  switch (place) {
    case 'path':
    case 'query':
      return value.replace(NOT_UNRESERVED, encodeOctet);
    case 'field':
      return value;
    case 'text':
      return readOctets(value);
    case 'json':
      return escapeJson(readOctets(value));
    default:
      return place satisfies never;
  }
}

/** Text from elsewhere than a request, as it is written at this place. */
export function encodeFor(text: string, place: TemplatePlace): string {
  switch (place) {
    case 'path':
    case 'query':
      return encodeURIComponent(text.toWellFormed());
    case 'field':
      return NOT_VISIBLE_ASCII.test(text) ? encodeURIComponent(text.toWellFormed()) : text;
    case 'text':
      return text;
    case 'json':
      return escapeJson(text);
    default:
      return place satisfies never;
  }
}

/** Whether there is a value at all, be it an empty one. */
export function hasVariable(variable: TemplateVariable, exchange: Exchange): boolean {
  switch (variable.kind) {
    case 'capture':
      return exchange.captureNames.includes(variable.name);
    case 'parameter':
      return findQueryParameter(exchange.request.query, variable.name) !== undefined;
    case 'field':
      return exchange.field(variable.name) !== undefined;
    case 'cookie':
      return findCookie(exchange.request.fields, variable.name) !== undefined;
    case 'claim':
      return exchange.consumer !== undefined && findClaim(exchange.consumer.claims, variable.name) !== undefined;
    case 'consumer':
      return exchange.consumer !== undefined;
    default:
      return true;
  }
}

function isPath({ kind }: TemplateVariable): boolean {
  return kind === 'path' || kind === 'rest' || kind === 'capture';
}

/**
 * What comes from the request's target, still percent-encoded; `undefined` for a variable that does not. Claims are made to look
 * like that, since they hold text of any kind as well.
 */
function readEncoded(variable: TemplateVariable, exchange: Exchange): string | undefined {
  switch (variable.kind) {
    case 'capture':
      return exchange.captures[exchange.captureNames.indexOf(variable.name)] ?? '';
    case 'rest':
      return exchange.pathRest;
    case 'path':
      return exchange.request.path;
    case 'query':
      return toForwardedQuery(exchange);
    case 'parameter':
      return findQueryParameter(exchange.request.query, variable.name) ?? '';
    case 'claim':
      return encodeURIComponent(readClaimText(exchange.consumer?.claims, variable.name)?.toWellFormed() ?? '');
    default:
      return undefined;
  }
}

function readPlain(variable: TemplateVariable, exchange: Exchange): string {
  const { request } = exchange;
  switch (variable.kind) {
    case 'field':
      return exchange.field(variable.name) ?? '';
    case 'cookie':
      return findCookie(request.fields, variable.name) ?? '';
    case 'host':
      return request.host;
    case 'authority':
      return request.authority;
    case 'scheme':
      return request.scheme;
    case 'method':
      return request.method;
    case 'clientIp':
      return request.clientAddress;
    case 'requestId':
      return exchange.requestId;
    case 'consumer':
      return exchange.consumer?.name ?? '';
    default:
      return '';
  }
}

function encodeOctet(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function readOctets(value: string): string {
  if (!NOT_VISIBLE_ASCII.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? value : text;
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
