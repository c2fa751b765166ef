/**
 * A request of a batch as the client could have sent it by itself: from the same connection, to the same host, with the same
 * credentials. What is not the client's to say comes from the request that carries the batch.
 */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { normaliseTarget, targetFaults } from '#http/target.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { type BatchItem, type ItemRequest, isBrowserName } from './batch-document.ts';

/** What the listener takes of a request. */
export interface HeadLimits {
  readonly headBytes: number;
  readonly fieldCount: number;
}

export interface ItemRules {
  /** Fields that a request has from its batch, unless it has its own. */
  readonly inherited: ReadonlySet<string>;
  readonly limits: HeadLimits;
}

/** What HTTP/1 would write around method, target and host, the empty line included; and around a name and a value. */
const HEAD_CHARS = ' HTTP/1.1\r\nhost: \r\n\r\n'.length + 1;
const FIELD_CHARS = ': \r\n'.length;

/** The request, and why it is refused before any route is looked for. */
export interface ReadItem {
  readonly request: ClientRequest;
  readonly fault: GatewayError | undefined;
}

export function readItemRequest({ request: asked }: BatchItem, outer: ClientRequest, rules: ItemRules): ReadItem {
  if (!('target' in asked)) return { request: toClientRequest(outer, nothingAsked), fault: asked };
  const { method, target, body } = asked;
  const fields = joinFields(asked, outer, rules.inherited);
  const normalised = normaliseTarget(target, method);
  const path = typeof normalised === 'string' ? unusable : normalised;
  const request = toClientRequest(outer, { method, ...path, fields, bodyBytes: body.length });
  return { request, fault: findFault(request, asked, rules.limits) ?? findTargetFault(normalised) };
}

const unusable = { path: '', query: '', target: '' };
const nothingAsked = { method: '', ...unusable, fields: [], bodyBytes: 0 };

function findFault({ method, fields, authority }: ClientRequest, asked: ItemRequest, max: HeadLimits): GatewayError | undefined {
  if (method === 'CONNECT') return clientErrors.connectMethod();
  if (asked.target.length > limits.targetBytesMax) return clientErrors.targetTooLong();
  let headBytes = method.length + asked.target.length + authority.length + HEAD_CHARS;
  for (let i = 0; i < fields.length; i += 2) headBytes += fields[i]!.length + fields[i + 1]!.length + FIELD_CHARS;
  return headBytes > max.headBytes || fields.length / 2 > max.fieldCount ? clientErrors.headTooLarge() : undefined;
}

function findTargetFault(normalised: ReturnType<typeof normaliseTarget>): GatewayError | undefined {
  if (typeof normalised !== 'string') return undefined;
  return clientErrors.malformedTarget({ fault: normalised }, { publicDetail: targetFaults[normalised] });
}

function joinFields({ fields }: ItemRequest, outer: ClientRequest, inherited: ReadonlySet<string>): string[] {
  const joined = [...fields];
  for (let i = 0; i < outer.fields.length; i += 2) {
    const name = outer.fields[i]!;
    const isInherited = isBrowserName(name) || (inherited.has(name) && !hasField(fields, name));
    if (isInherited) joined.push(name, outer.fields[i + 1]!);
  }
  return joined;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly bodyBytes: number;
}

function toClientRequest(outer: ClientRequest, { method, path, query, target, fields, bodyBytes }: Asked): ClientRequest {
  return {
    listener: outer.listener,
    protocol: outer.protocol,
    method,
    path,
    query,
    target,
    authority: outer.authority,
    host: outer.host,
    fields,
    fieldText: undefined,
    contentLengthBytes: bodyBytes === 0 ? -1 : bodyBytes,
    hasBody: bodyBytes > 0,
    acceptsTrailers: false,
    expectsContinue: false,
    upgrade: undefined,
    clientAddress: outer.clientAddress,
    peerAddress: outer.peerAddress,
    clientPort: outer.clientPort,
    scheme: outer.scheme,
    forwardingFields: outer.forwardingFields,
    clientCertificate: outer.clientCertificate,
  };
}
