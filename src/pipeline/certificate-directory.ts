/** Whose a certificate is: by what consumers of the configuration say of theirs. */
import type { Consumer } from '#http/consumer.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';

/** One thing that a certificate is known by. */
export interface CertificateIdentity {
  readonly kind: 'subject' | 'san' | 'fingerprint';
  readonly value: string;
}

export class CertificateDirectory {
  readonly #byFingerprint = new Map<string, Consumer>();
  readonly #byAltName = new Map<string, Consumer>();
  readonly #bySubject = new Map<string, Consumer>();

  add({ kind, value }: CertificateIdentity, consumer: Consumer): void {
    const { [kind]: map } = { subject: this.#bySubject, san: this.#byAltName, fingerprint: this.#byFingerprint };
    map.set(value, consumer);
  }

  /** The consumer, or why there is none. The certificate has been verified. */
  find(certificate: ClientCertificate): Consumer | 'unknown' | 'several consumers' {
    // The narrowest first: a fingerprint is one certificate, a subject may be that of many.
    const byFingerprint = this.#byFingerprint.get(certificate.fingerprint256);
    if (byFingerprint !== undefined) return byFingerprint;
    let found: Consumer | undefined;
    if (this.#byAltName.size > 0) {
      for (const name of certificate.subjectAltNames) {
        const consumer = this.#byAltName.get(toAltNameKey(name));
        if (consumer === undefined) continue;
        // Which of them was meant is not known.
        if (found !== undefined && found !== consumer) return 'several consumers';
        found = consumer;
      }
    }
    return found ?? this.#bySubject.get(certificate.subject) ?? 'unknown';
  }
}

/** `DNS:Client.Example.com` as `dns:client.example.com`: names of hosts have no case (RFC 4343), and other names do. */
function toAltNameKey(name: string): string {
  const colon = name.indexOf(':');
  const kind = name.slice(0, colon).toLowerCase();
  const value = name.slice(colon + 1);
  return `${kind}:${kind === 'dns' ? value.toLowerCase() : value}`;
}
