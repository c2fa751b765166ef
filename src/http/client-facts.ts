/** What one connection tells about its client, and the fields that pass it on. Made once per connection, not per request. */

import type { Socket } from 'node:net';
import type { ClientCertificate } from '#net/client-certificate.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { findDestination, type ProxiedClient } from '#net/proxied-client.ts';
import type { TlsFacts } from '#net/tls-facts.ts';
import { type ClientCertificateField, toCertificateFields } from '#wire/fields/client-certificate-fields.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import {
  type ForwardedPeer,
  type ForwardingFacts,
  findClient,
  type HttpVersion,
  toForwardingFields,
} from '#wire/fields/forwarded.ts';
import type { ProxyHeader } from '#wire/proxy-protocol/header.ts';
import { type ClientRequest, ForwardingFields } from './exchange.ts';
import { parseHost } from './target.ts';

export interface ForwardingSettings {
  /** Proxies in front of us whose word about clients counts. */
  readonly isTrusted: (address: string) => boolean;
  /** Our name in `Via`. */
  readonly via: string;
  /** By which field services are told of the certificates of clients; `undefined`: by none. */
  readonly certificateField: ClientCertificateField | undefined;
}

/** What is looked at of a request's head, in whatever version of HTTP it came. */
export interface HeadFacts {
  readonly version: HttpVersion;
  /** Fields that say where the request came from are among them. */
  readonly hasForwardingFields: boolean;
  readonly fields: readonly string[];
}

/** Who sent a request, as far back as can be trusted. */
export interface ClientIdentity {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  /** The authority's host; `undefined` when the authority is malformed. */
  readonly host: string | undefined;
}

const noTls = { clientCertificate: undefined, clientFault: undefined };
const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/;

export class ClientFacts {
  readonly address: string;
  readonly port: number;
  /** What the listener has counted the connection for. */
  readonly countedAddress: string;
  readonly scheme: 'http' | 'https';
  readonly isTrustedProxy: boolean;
  /** What the client has shown in its handshake. */
  readonly certificate: ClientCertificate | undefined;
  /** Why requests must be refused: its certificate is missing or does not count. */
  readonly certificateFault: string | undefined;
  /** Fields that tell services of the certificate. */
  readonly #certificateFields: readonly string[];
  readonly #tls: TlsFacts | undefined;
  readonly #proxyHeader: ProxyHeader | undefined;
  readonly #settings: ForwardingSettings;
  /** Only of a trusted proxy. */
  readonly #peer: ForwardedPeer | undefined;
  /** Of the last authority that was asked for: on most connections it is the only one. */
  #authority: string | undefined = undefined;
  #version: HttpVersion = '1.1';
  #identity: ClientIdentity | undefined = undefined;

  constructor(accepted: AcceptedConnection, settings: ForwardingSettings) {
    this.address = accepted.clientAddress;
    this.port = accepted.clientPort;
    this.countedAddress = accepted.countedAddress;
    this.scheme = accepted.isSecure ? 'https' : 'http';
    this.isTrustedProxy = settings.isTrusted(accepted.clientAddress);
    this.#tls = accepted.tls;
    this.#proxyHeader = accepted.proxyHeader;
    this.#settings = settings;
    const { clientCertificate, clientFault } = accepted.tls ?? noTls;
    this.certificate = clientCertificate;
    this.certificateFault = clientFault;
    const { certificateField } = settings;
    const isTold =
      certificateField !== undefined && clientCertificate?.verifyError === undefined && clientCertificate !== undefined;
    this.#certificateFields = isTold ? toCertificateFields(certificateField, clientCertificate) : [];
    const { isTrusted } = settings;
    this.#peer = this.isTrustedProxy ? { address: this.address, scheme: this.scheme, isTrusted } : undefined;
  }

  /** The connection over `socket`, as a PROXY header tells of it. */
  describe(socket: Socket): ProxiedClient {
    return {
      source: { address: this.address, port: this.port },
      destination: findDestination(this.#proxyHeader, socket),
      serverName: this.#tls?.serverName,
      tls: this.#tls,
      proxyHeader: this.#proxyHeader,
    };
  }

  identify(head: HeadFacts, authority: string): ClientIdentity {
    if (head.hasForwardingFields) return this.#identifyFromFields(head, authority);
    const { version } = head;
    if (this.#identity === undefined || this.#authority !== authority || this.#version !== version) {
      this.#authority = authority;
      this.#version = version;
      this.#identity = this.#identifyPeer(authority, version, undefined);
    }
    return this.#identity;
  }

  /** The id that a trusted proxy gave this request. */
  trustedRequestId(head: HeadFacts): string | undefined {
    if (!this.isTrustedProxy || !head.hasForwardingFields) return undefined;
    const id = getField(head.fields, 'x-request-id');
    return id !== undefined && REQUEST_ID.test(id) ? id : undefined;
  }

  /** Stands for a request that could not be read, so that its refusal is answered and logged like any other. */
  unknownRequest(listener: string): ClientRequest {
    const identity = this.#identifyPeer('', '1.1', undefined);
    return {
      listener,
      protocol: 'HTTP/1.1',
      method: '',
      path: '',
      query: '',
      target: '',
      authority: '',
      host: '',
      fields: [],
      fieldText: '',
      contentLengthBytes: -1,
      hasBody: false,
      acceptsTrailers: false,
      expectsContinue: false,
      upgrade: undefined,
      clientAddress: this.address,
      peerAddress: this.address,
      clientPort: this.port,
      scheme: this.scheme,
      forwardingFields: identity.forwardingFields,
      clientCertificate: this.certificate,
    };
  }

  #identifyFromFields(head: HeadFacts, authority: string): ClientIdentity {
    const vias = getFieldValues(head.fields, 'via');
    const viaBefore = vias.length === 0 ? undefined : vias.join(', ');
    const { version } = head;
    if (this.#peer === undefined) return this.#identifyPeer(authority, version, viaBefore);
    const { chain, scheme, host } = findClient(head.fields, this.#peer);
    // Many a proxy passes the client's own claim on, so it is checked like any other.
    const isUsable = host !== undefined && parseHost(host) !== undefined;
    return this.#toIdentity(authority, { chain, scheme, host: isUsable ? host : authority, version, viaBefore });
  }

  /** Nobody says more than the connection itself. */
  #identifyPeer(authority: string, version: HttpVersion, viaBefore: string | undefined): ClientIdentity {
    const { address, scheme } = this;
    return this.#toIdentity(authority, { chain: [address], scheme, host: authority, version, viaBefore });
  }

  #toIdentity(authority: string, facts: Omit<ForwardingFacts, 'via'>): ClientIdentity {
    const fields = toForwardingFields({ ...facts, via: this.#settings.via });
    fields.push(...this.#certificateFields);
    const host = authority === '' ? '' : parseHost(authority);
    return {
      address: facts.chain[0]!,
      scheme: facts.scheme,
      forwardingFields: new ForwardingFields(fields, this.isTrustedProxy),
      host,
    };
  }
}
