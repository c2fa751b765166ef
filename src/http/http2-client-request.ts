import type { GatewayError } from '#base/errors.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { dropForwardingFields } from '#wire/fields/forwarded.ts';
import { isForwardingName } from '#wire/http1/field-names.ts';
import { clientErrors } from './client-errors.ts';
import type { ClientFacts, HeadFacts } from './client-facts.ts';
import type { ClientRequest, ForwardingFields } from './exchange.ts';
import { type NormalTarget, normaliseTarget, targetFaults } from './target.ts';

const unusable: NormalTarget = { path: '', query: '', target: '', authority: undefined };

/**
 * What the session hands over of a head: names in lower case and values. It has refused what RFC 9113 §8 forbids: fields of
 * a connection, pseudo fields that are missing, repeated or unknown, a length that is no number.
 */
class Http2Head implements HeadFacts {
  readonly version = '2.0';
  readonly fields: string[] = [];
  method = '';
  scheme = '';
  authority: string | undefined = undefined;
  path = '';
  host: string | undefined = undefined;
  contentLengthBytes = -1;
  expect: string | undefined = undefined;
  acceptsTrailers = false;
  hasForwardingFields = false;
  #cookieAt = -1;

  constructor(raw: readonly string[]) {
    for (let i = 0; i < raw.length; i += 2) this.#take(raw[i]!, raw[i + 1]!);
  }

  #take(name: string, value: string): void {
    switch (name) {
      case ':method':
        this.method = value;
        return;
      case ':scheme':
        this.scheme = value;
        return;
      case ':authority':
        this.authority = value;
        return;
      case ':path':
        this.path = value;
        return;
      case 'host':
        this.host = value;
        return;
      case 'content-length':
        this.contentLengthBytes = Number(value);
        return;
      case 'te':
        this.acceptsTrailers = true;
        return;
      case 'expect':
        this.expect = value;
        return;
      // RFC 9110 §11.7.1: meant for the first proxy that asks, which a gateway never does.
      case 'proxy-authorization':
        return;
      case 'cookie':
        return this.#takeCookie(value);
      default:
        if (name.charCodeAt(0) === COLON) return;
        if (isForwardingName(name)) this.hasForwardingFields = true;
        this.fields.push(name, value);
    }
  }

  /** RFC 9113 §8.2.3: pieces of one field, which is whole again for whoever does not speak HTTP/2. */
  #takeCookie(value: string): void {
    if (this.#cookieAt >= 0) {
      this.fields[this.#cookieAt] += `; ${value}`;
      return;
    }
    this.#cookieAt = this.fields.length + 1;
    this.fields.push('cookie', value);
  }
}

const COLON = 58;

/** A request as a stream of HTTP/2 tells it. */
export class Http2ClientRequest implements ClientRequest {
  readonly listener: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly target: string;
  readonly authority: string;
  readonly host: string;
  readonly fields: readonly string[];
  readonly fieldText = undefined;
  readonly contentLengthBytes: number;
  readonly hasBody: boolean;
  readonly acceptsTrailers: boolean;
  readonly expectsContinue: boolean;
  readonly upgrade = undefined;
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  readonly clientCertificate: ClientCertificate | undefined;
  /** The id that a trusted proxy gave this request. */
  readonly trustedRequestId: string | undefined;
  /** Why the request must be refused although its bytes were well-formed. */
  readonly fault: GatewayError | undefined;

  constructor(raw: readonly string[], hasBody: boolean, from: { readonly facts: ClientFacts; readonly listener: string }) {
    const { facts, listener } = from;
    const head = new Http2Head(raw);
    const normalised = normaliseTarget(head.path, head.method);
    const target = typeof normalised === 'string' ? unusable : normalised;
    const authority = head.authority ?? head.host ?? '';
    const identity = facts.identify(head, authority);
    this.listener = listener;
    this.method = head.method;
    this.path = target.path;
    this.query = target.query;
    this.target = target.target;
    this.authority = authority;
    this.host = identity.host ?? '';
    this.fields = head.hasForwardingFields ? dropForwardingFields(head.fields) : head.fields;
    this.contentLengthBytes = head.contentLengthBytes;
    this.hasBody = hasBody;
    this.acceptsTrailers = head.acceptsTrailers;
    this.expectsContinue = head.expect !== undefined && hasBody;
    this.clientAddress = identity.address;
    this.peerAddress = facts.address;
    this.clientPort = facts.port;
    this.scheme = identity.scheme;
    this.forwardingFields = identity.forwardingFields;
    this.trustedRequestId = facts.trustedRequestId(head);
    this.clientCertificate = facts.certificate;
    const reason = facts.certificateFault;
    this.fault = reason === undefined ? findFault(head, normalised, identity.host) : clientErrors.certificate({ reason });
  }
}

function findFault(head: Http2Head, normalised: NormalTarget | string, host: string | undefined): GatewayError | undefined {
  if (head.method === 'CONNECT') return clientErrors.connectMethod();
  if (typeof normalised === 'string') {
    return clientErrors.malformedTarget(
      { fault: normalised },
      { publicDetail: targetFaults[normalised as keyof typeof targetFaults] },
    );
  }
  // RFC 9113 §8.3.1: :authority and Host that differ would be two hosts for two readers.
  const differs = head.authority !== undefined && head.host !== undefined && head.authority !== head.host;
  if (host === undefined || host === '' || differs) return clientErrors.malformedHost();
  if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') return clientErrors.expectation();
  return undefined;
}
