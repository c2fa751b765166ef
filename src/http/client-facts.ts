/** What one connection tells about its client, and the fields that pass it on. Made once per connection, not per request. */
import type { AcceptedConnection } from '#net/listener.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { type ForwardingFacts, findClient, toForwardingFields } from '#wire/fields/forwarded.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { type ClientRequest, ForwardingFields } from './exchange.ts';
import { parseHost } from './target.ts';

export interface ForwardingSettings {
  /** Proxies in front of us whose word about clients counts. */
  isTrusted(address: string): boolean;
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
  /** Of the last authority that was asked for: on most connections it is the only one. */
  #authority: string | undefined = undefined;
  #identity: ClientIdentity | undefined = undefined;

  constructor(accepted: AcceptedConnection, settings: ForwardingSettings) {
    this.address = accepted.clientAddress;
    this.port = accepted.clientPort;
    this.scheme = accepted.isSecure ? 'https' : 'http';
    this.isTrustedProxy = settings.isTrusted(accepted.clientAddress);
    this.#settings = settings;
  }

  identify(head: RequestHead, authority: string): ClientIdentity {
    if (head.hasForwardingFields) return this.#identifyFromFields(head, authority);
    if (this.#identity === undefined || this.#authority !== authority) {
      this.#authority = authority;
      this.#identity = this.#toIdentity(authority, {
        chain: [this.address],
        scheme: this.scheme,
        host: authority,
        viaBefore: undefined,
      });
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
    const identity = this.#toIdentity('', { chain: [this.address], scheme: this.scheme, host: '', viaBefore: undefined });
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
    if (!this.isTrustedProxy)
      return this.#toIdentity(authority, { chain: [this.address], scheme: this.scheme, host: authority, viaBefore });
    const peer = {
      address: this.address,
      scheme: this.scheme,
      isTrusted: (address: string) => this.#settings.isTrusted(address),
    };
    const { chain, scheme, host } = findClient(head.fields, peer);
    return this.#toIdentity(authority, { chain, scheme, host: host ?? authority, viaBefore });
  }

  #toIdentity(authority: string, facts: Omit<ForwardingFacts, 'via'>): ClientIdentity {
    const fields = toForwardingFields({ ...facts, via: this.#settings.via });
    const host = authority === '' ? '' : parseHost(authority);
    return { address: facts.chain[0]!, scheme: facts.scheme, forwardingFields: new ForwardingFields(fields), host };
  }
}
