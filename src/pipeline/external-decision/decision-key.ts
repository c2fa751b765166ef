/** What a decision depends on, as a hash: requests hold credentials, and a cache of their texts would hold them too. */
import type { Exchange } from '#http/exchange.ts';
import type { RequestPart } from '#schema/request-part.ts';
import { findCookie } from '#wire/fields/cookies.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import type { ServiceRequest } from '../service-call.ts';

/** The same key for all requests that are alike in these parts. */
export function toPartsKey(exchange: Exchange, parts: readonly RequestPart[]): string {
  return hash(JSON.stringify(parts.map((part) => readPart(exchange, part))));
}

/** The same key for all requests about which the same is asked. */
export function toWholeKey({ request }: Exchange, { method, target, authority, fields, body }: ServiceRequest): string {
  const { clientAddress, scheme } = request;
  return hash(JSON.stringify([method, target, authority, fields, clientAddress, scheme, body?.toString('latin1')]));
}

function readPart({ request, consumer }: Exchange, part: RequestPart): unknown {
  switch (part.kind) {
    case 'method':
      return request.method;
    case 'host':
      return request.authority;
    case 'path':
      return request.path;
    case 'query':
      return request.query;
    case 'ip':
      return request.clientAddress;
    case 'consumer':
      return consumer;
    case 'header':
      return getFieldValues(request.fields, part.name);
    case 'cookie':
      return findCookie(request.fields, part.name);
    default:
      return part satisfies never;
  }
}

function hash(text: string): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', text);
}
