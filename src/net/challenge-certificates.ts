/**
 * What is shown to an authority that asks by TLS-ALPN-01 whether names are ours (RFC 8737): a certificate with the answer in
 * it, for a client that offers the protocol of the challenge and no other. Everybody else is served as ever. One for all
 * listeners of a thread; empty nearly always.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ClientHello } from '#wire/client-hello/client-hello.ts';
import { ACME_TLS_PROTOCOL, type AcmeChallenges } from './acme-challenges.ts';

export class ChallengeCertificates {
  #contexts: ReadonlyMap<string, SecureContext> = new Map();

  /** Only while there are some does it matter what a client offers. */
  get isEmpty(): boolean {
    return this.#contexts.size === 0;
  }

  /** By host name, from now on. */
  set(certificates: AcmeChallenges['tlsAlpn']): void {
    const entries = Object.entries(certificates);
    this.#contexts = new Map(
      entries.map(([host, { cert, key }]) => [host.toLowerCase(), createSecureContext({ cert, key, minVersion: 'TLSv1.2' })]),
    );
  }

  /** `undefined` for a client that does not ask for a challenge of ours. */
  find(hello: ClientHello | undefined): SecureContext | undefined {
    if (hello?.serverName === undefined || hello.alpnProtocols.length !== 1) return undefined;
    return hello.alpnProtocols[0] === ACME_TLS_PROTOCOL ? this.#contexts.get(hello.serverName) : undefined;
  }
}
