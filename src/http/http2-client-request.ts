import { randomBytes } from 'node:crypto';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { dropForwardingFields } from '#wire/fields/forwarded.ts';
import { isTargetOctet } from '#wire/http1/octets.ts';
import { clientErrors } from './client-errors.ts';
import type { ClientFacts } from './client-facts.ts';
import type { ClientRequest, ForwardingFields } from './exchange.ts';
import type { Http2RequestHead } from './http2-request-head.ts';
import { type NormalTarget, normaliseTarget, type TargetFault, targetFaults } from './target.ts';

const unusable: NormalTarget = { path: '', query: '', target: '', authority: undefined };

const WEBSOCKET = 'websocket';
const WEBSOCKET_KEY_BYTES = 16;

/** A request as a stream of HTTP/2 tells it. */
export class Http2ClientRequest implements ClientRequest {
  readonly listener: string;
  readonly protocol = 'HTTP/2';
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
  readonly upgrade: string | undefined;
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  readonly debugToken: string | undefined;
  readonly debugAnswer: string | undefined;
  readonly clientCertificate: ClientCertificate | undefined;
  /** The id that a trusted proxy gave this request. */
  readonly trustedRequestId: string | undefined;
  /** Why the request must be refused although its bytes were well-formed. */
  readonly fault: GatewayError | undefined;

  /** `isTooLarge`: the head is not all of what the client has sent. */
  constructor(head: Http2RequestHead, isTooLarge: boolean, from: { readonly facts: ClientFacts; readonly listener: string }) {
    const { facts, listener } = from;
    const isWebSocket = head.protocol === WEBSOCKET && head.method === 'CONNECT';
    if (isWebSocket) beginHandshake(head);
    const normalised = readTarget(head);
    const target = typeof normalised === 'string' ? unusable : normalised;
    const authority = head.authority ?? head.host ?? '';
    const identity = facts.identify(head, authority);
    this.listener = listener;
    this.method = head.method;
    this.upgrade = isWebSocket ? WEBSOCKET : undefined;
    this.path = target.path;
    this.query = target.query;
    this.target = target.target;
    this.authority = authority;
    this.host = identity.host ?? '';
    this.debugToken = head.hasForwardingFields ? getField(head.fields, 'gatehouse-debug') : undefined;
    this.debugAnswer = this.debugToken === undefined ? undefined : getField(head.fields, 'gatehouse-debug-answer');
    this.fields = head.hasForwardingFields ? dropForwardingFields(head.fields) : head.fields;
    this.contentLengthBytes = head.contentLengthBytes;
    this.hasBody = head.hasBody && !isWebSocket;
    this.acceptsTrailers = head.acceptsTrailers;
    this.expectsContinue = head.expect !== undefined && this.hasBody;
    this.clientAddress = identity.address;
    this.peerAddress = facts.address;
    this.clientPort = facts.port;
    this.scheme = identity.scheme;
    this.forwardingFields = identity.forwardingFields;
    this.trustedRequestId = facts.trustedRequestId(head);
    this.clientCertificate = facts.certificate;
    const reason = facts.certificateFault;
    if (isTooLarge) this.fault = clientErrors.headTooLarge();
    else this.fault = reason === undefined ? findFault(head, normalised, identity.host) : clientErrors.certificate({ reason });
  }
}

/**
 * What opens a WebSocket is, for routes, policies and services of HTTP/1, a GET that would like to change the protocol. Its key
 * proves nothing over HTTP/2, so it is not sent there (RFC 8441 §5), and services of HTTP/1 ask for one.
 */
function beginHandshake(head: Http2RequestHead): void {
  head.method = 'GET';
  head.contentLengthBytes = -1;
  removeField(head.fields, 'sec-websocket-key');
  head.fields.push('sec-websocket-key', randomBytes(WEBSOCKET_KEY_BYTES).toString('base64'));
}

/** A path with bytes that no request of HTTP/1 can have, and a whole URL in its place, are not for routes to look at. */
function readTarget({ path, method }: Http2RequestHead): NormalTarget | TargetFault {
  for (let i = 0; i < path.length; i++) if (!isTargetOctet(path.charCodeAt(i))) return 'targetForm';
  const normalised = normaliseTarget(path, method);
  return typeof normalised === 'object' && normalised.authority !== undefined ? 'targetForm' : normalised;
}

function findFault(
  head: Http2RequestHead,
  normalised: NormalTarget | TargetFault,
  host: string | undefined,
): GatewayError | undefined {
  if (head.method === 'CONNECT') {
    const { protocol } = head;
    return protocol === undefined ? clientErrors.connectMethod() : clientErrors.connectProtocol({ protocol });
  }
  if (head.path.length > limits.targetBytesMax) return clientErrors.targetTooLong();
  if (typeof normalised === 'string')
    return clientErrors.malformedTarget({ fault: normalised }, { publicDetail: targetFaults[normalised] });
  if (host === undefined || host === '' || namesTwoHosts(head)) return clientErrors.malformedHost();
  if (!(head.contentLengthBytes <= Number.MAX_SAFE_INTEGER)) return clientErrors.malformedRequest({ fault: 'contentLength' });
  if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') return clientErrors.expectation();
  return undefined;
}

/** RFC 9113 §8.3.1: where `:authority` and Host differ, two readers would find two hosts. */
function namesTwoHosts({ authority, host }: Http2RequestHead): boolean {
  if (authority === undefined || host === undefined || authority === host) return false;
  return authority.toLowerCase() !== host.toLowerCase();
}
