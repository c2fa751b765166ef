/** What is shown to an ACME authority while it looks whether names are ours (RFC 8555 §8.3, RFC 8737). */
export interface AcmeChallenges {
  /** Key authorizations by token, for HTTP-01. */
  readonly http: Readonly<Record<string, string>>;
  /** Certificates by host name, PEM, for TLS-ALPN-01. */
  readonly tlsAlpn: Readonly<Record<string, { readonly cert: string; readonly key: string }>>;
}

/** The protocol that a ClientHello offers, and offers alone, to see the certificate of a challenge. */
export const ACME_TLS_PROTOCOL = 'acme-tls/1';
