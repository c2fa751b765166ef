import type { GatewayError } from '#base/errors.ts';
import { dropForwardingFields } from '#wire/fields/forwarded.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { clientErrors } from './client-errors.ts';
import type { ClientFacts } from './client-facts.ts';
import type { ClientRequest } from './exchange.ts';
import { type NormalTarget, normaliseTarget, targetFaults } from './target.ts';

/** A request as an HTTP/1 connection tells it. */
export interface Http1ClientRequest extends ClientRequest {
  /** Why the request must be refused although its bytes were well-formed. */
  readonly fault: GatewayError | undefined;
}

const unusable: NormalTarget = { path: '', query: '', target: '', authority: undefined };

/** Turns a checked head into the request that everything behind it sees. */
export function toClientRequest(
  head: RequestHead,
  facts: ClientFacts,
  settings: { readonly listener: string },
): Http1ClientRequest {
  const { method } = head;
  const normalised = normaliseTarget(head.target, method);
  const target = typeof normalised === 'string' ? unusable : normalised;
  const authority = target.authority ?? head.host ?? '';
  const identity = facts.identify(head, authority);
  let fault: GatewayError | undefined;
  if (method === 'CONNECT') fault = clientErrors.connectMethod();
  else if (typeof normalised === 'string')
    fault = clientErrors.malformedTarget({ fault: normalised }, { publicDetail: targetFaults[normalised] });
  else if (identity.host === undefined) fault = clientErrors.malformedHost();
  else if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') fault = clientErrors.expectation();
  return {
    listener: settings.listener,
    method,
    path: target.path,
    query: target.query,
    target: target.target,
    authority,
    host: identity.host ?? '',
    fields: head.hasForwardingFields ? dropForwardingFields(head.fields) : head.fields,
    contentLengthBytes: head.contentLengthBytes,
    hasBody: head.hasBody,
    acceptsTrailers: head.acceptsTrailers,
    // RFC 9110 §10.1.1: an HTTP/1.0 client's expectation is ignored.
    expectsContinue: head.expect !== undefined && head.minorVersion === 1,
    upgrade: head.saysUpgrade ? head.upgrade : undefined,
    clientAddress: identity.address,
    peerAddress: facts.address,
    clientPort: facts.port,
    scheme: identity.scheme,
    forwardingFields: identity.forwardingFields,
    fault,
  };
}
