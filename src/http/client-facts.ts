/** What one connection tells about its client, and the fields that pass it on. Made once per connection, not per request. */
import type { AcceptedConnection } from '#net/listener.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { type ForwardedPeer, type ForwardingFacts, findClient, toForwardingFields } from '#wire/fields/forwarded.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { type ClientRequest, ForwardingFields } from './exchange.ts';
import { parseHost } from './target.ts';

export interface ForwardingSettings {
  /** Proxies in front of us whose word about clients counts. */
  readonly isTrusted: (address: string) => boolean;
  /** Our name in `Via`. */
  readonly via: string;
}

/** Who sent a request, as far back as can be trusted. */
export interface ClientIdentity {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  /** The authority's host; `undefined` when the authority is malformed. */
  readonly host: string | undefined;
}

const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/;

export class ClientFacts {
  readonly address: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly isTrustedProxy: boolean;
  readonly #settings: ForwardingSettings;
  /** Only of a trusted proxy. */
  readonly #peer: ForwardedPeer | undefined;
  /** Of the last authority that was asked for: on most connections it is the only one. */
  #authority: string | undefined = undefined;
  #minorVersion = 1;
  #identity: ClientIdentity | undefined = undefined;

  constructor(accepted: AcceptedConnection, settings: ForwardingSettings) {
    this.address = accepted.clientAddress;
    this.port = accepted.clientPort;
    this.scheme = accepted.isSecure ? 'https' : 'http';
    this.isTrustedProxy = settings.isTrusted(accepted.clientAddress);
    this.#settings = settings;
    const { isTrusted } = settings;
    this.#peer = this.isTrustedProxy ? { address: this.address, scheme: this.scheme, isTrusted } : undefined;
  }

  identify(head: RequestHead, authority: string): ClientIdentity {
    if (head.hasForwardingFields) return this.#identifyFromFields(head, authority);
    const { minorVersion } = head;
    if (this.#identity === undefined || this.#authority !== authority || this.#minorVersion !== minorVersion) {
      this.#authority = authority;
      this.#minorVersion = minorVersion;
      this.#identity = this.#identifyPeer(authority, minorVersion, undefined);
    }
    return this.#identity;
  }

  /** The id that a trusted proxy gave this request. */
  trustedRequestId(head: RequestHead): string | undefined {
    if (!this.isTrustedProxy || !head.hasForwardingFields) return undefined;
    const id = getField(head.fields, 'x-request-id');
    return id !== undefined && REQUEST_ID.test(id) ? id : undefined;
  }

  /** Stands for a request that could not be read, so that its refusal is answered and logged like any other. */
  unknownRequest(listener: string): ClientRequest {
    const identity = this.#identifyPeer('', 1, undefined);
    return {
      listener,
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
    };
  }

  #identifyFromFields(head: RequestHead, authority: string): ClientIdentity {
    const vias = getFieldValues(head.fields, 'via');
    const viaBefore = vias.length === 0 ? undefined : vias.join(', ');
    const { minorVersion } = head;
    if (this.#peer === undefined) return this.#identifyPeer(authority, minorVersion, viaBefore);
    const { chain, scheme, host } = findClient(head.fields, this.#peer);
    // Many a proxy passes the client's own claim on, so it is checked like any other.
    const isUsable = host !== undefined && parseHost(host) !== undefined;
    return this.#toIdentity(authority, { chain, scheme, host: isUsable ? host : authority, minorVersion, viaBefore });
  }

  /** Nobody says more than the connection itself. */
  #identifyPeer(authority: string, minorVersion: number, viaBefore: string | undefined): ClientIdentity {
    const { address, scheme } = this;
    return this.#toIdentity(authority, { chain: [address], scheme, host: authority, minorVersion, viaBefore });
  }

  #toIdentity(authority: string, facts: Omit<ForwardingFacts, 'via'>): ClientIdentity {
    const fields = toForwardingFields({ ...facts, via: this.#settings.via });
    const host = authority === '' ? '' : parseHost(authority);
    return { address: facts.chain[0]!, scheme: facts.scheme, forwardingFields: new ForwardingFields(fields), host };
  }
}
