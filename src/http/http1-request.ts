import type { GatewayError } from '#base/errors.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { getField } from '#wire/fields/field-list.ts';
import { dropForwardingFields } from '#wire/fields/forwarded.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { clientErrors } from './client-errors.ts';
import type { ClientFacts } from './client-facts.ts';
import type { ClientRequest, ForwardingFields, Protocol } from './exchange.ts';
import { type NormalTarget, normaliseTarget, type TargetFault, targetFaults } from './target.ts';

/** A request as an HTTP/1 connection tells it. Its fields stay text until somebody looks at them. */
export class Http1ClientRequest implements ClientRequest {
  readonly listener: string;
  readonly protocol: Protocol;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly target: string;
  readonly authority: string;
  readonly host: string;
  readonly contentLengthBytes: number;
  readonly hasBody: boolean;
  readonly acceptsTrailers: boolean;
  readonly expectsContinue: boolean;
  readonly upgrade: string | undefined;
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  readonly clientCertificate: ClientCertificate | undefined;
  /** Why the request must be refused although its bytes were well-formed. */
  readonly fault: GatewayError | undefined;
  readonly #head: RequestHead;
  #fields: readonly string[] | undefined = undefined;

  constructor(head: RequestHead, facts: ClientFacts, listener: string) {
    const normalised = normaliseTarget(head.target, head.method);
    const target = typeof normalised === 'string' ? unusable : normalised;
    const authority = target.authority ?? head.host ?? '';
    const identity = facts.identify(head, authority);
    this.listener = listener;
    this.protocol = head.minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
    this.method = head.method;
    this.path = target.path;
    this.query = target.query;
    this.target = target.target;
    this.authority = authority;
    this.host = identity.host ?? '';
    this.contentLengthBytes = head.contentLengthBytes;
    this.hasBody = head.hasBody;
    this.acceptsTrailers = head.acceptsTrailers;
    // RFC 9110 §10.1.1: an expectation of an HTTP/1.0 client, or of a request without a body, is ignored.
    this.expectsContinue = head.expect !== undefined && head.minorVersion === 1 && head.hasBody;
    this.upgrade = head.saysUpgrade ? toUpgrade(head) : undefined;
    this.clientAddress = identity.address;
    this.peerAddress = facts.address;
    this.clientPort = facts.port;
    this.scheme = identity.scheme;
    this.forwardingFields = identity.forwardingFields;
    this.clientCertificate = facts.certificate;
    const reason = facts.certificateFault;
    this.fault = reason === undefined ? findFault(head, normalised, identity.host) : clientErrors.certificate({ reason });
    this.#head = head;
  }

  get fields(): readonly string[] {
    this.#fields ??= this.#head.hasForwardingFields ? dropForwardingFields(this.#head.fields) : this.#head.fields;
    return this.#fields;
  }

  get hasIdempotencyKey(): boolean {
    return this.#head.hasIdempotencyKey;
  }

  get debugToken(): string | undefined {
    return this.#head.hasForwardingFields ? getField(this.#head.fields, 'gatehouse-debug') : undefined;
  }

  get debugAnswer(): string | undefined {
    return this.#head.hasForwardingFields ? getField(this.#head.fields, 'gatehouse-debug-answer') : undefined;
  }

  get messageText(): string | undefined {
    const head = this.#head;
    const isAsItCame = !head.hasForwardingFields && this.target === head.target && this.authority === head.host;
    return isAsItCame ? head.messageText : undefined;
  }

  get fieldText(): string | undefined {
    return this.#head.hasForwardingFields ? undefined : this.#head.fieldText;
  }
}

/**
 * The protocols that the client may be given. RFC 9110 §7.8: not to HTTP/1.0, and not before the whole request has been
 * sent, so never beside a body. Not HTTP/2 either (RFC 9113 §3.1): behind it, requests would pass unseen.
 */
function toUpgrade(head: RequestHead): string | undefined {
  if (head.minorVersion === 0 || head.hasBody || head.upgrade === undefined) return undefined;
  const wanted = head.upgrade.split(',').filter((protocol) => {
    // Without an expression: this text is as long as a head may be, and belongs to the client.
    const name = protocol.trim().toLowerCase();
    return name !== '' && name !== 'h2' && name !== 'h2c' && !name.startsWith('http/2');
  });
  return wanted.length === 0 ? undefined : wanted.join(',').trim();
}

const unusable: NormalTarget = { path: '', query: '', target: '', authority: undefined };

function findFault(
  head: RequestHead,
  normalised: NormalTarget | TargetFault,
  host: string | undefined,
): GatewayError | undefined {
  if (head.method === 'CONNECT') return clientErrors.connectMethod();
  if (typeof normalised === 'string') {
    return clientErrors.malformedTarget({ fault: normalised }, { publicDetail: targetFaults[normalised] });
  }
  // RFC 9110 §4.2.1: a host that is there has a name. Only an HTTP/1.0 client may leave it out.
  if (host === undefined || (host === '' && head.minorVersion === 1)) return clientErrors.malformedHost();
  if (head.expect === undefined || head.minorVersion === 0) return undefined;
  return head.expect.toLowerCase() === '100-continue' ? undefined : clientErrors.expectation();
}
