/** How a service is told of the certificate that a client has shown. */

export type ClientCertificateField = 'client-cert' | 'x-forwarded-client-cert';

/** The names that carry it; what a client says by them itself is never passed on. */
export const clientCertificateNames = ['client-cert', 'client-cert-chain', 'x-forwarded-client-cert'] as const;

/** What the fields say. */
export interface CertificateFacts {
  readonly subject: string;
  /** Such as `DNS:client.example.com` and `URI:spiffe://example.com/client`. */
  readonly subjectAltNames: readonly string[];
  /** Lower-case hexadecimal digits. */
  readonly fingerprint256: string;
  readonly der: Buffer;
  readonly chainDer: readonly Buffer[];
}

/** Names and values, alternating. */
export function toCertificateFields(field: ClientCertificateField, certificate: CertificateFacts): string[] {
  return field === 'client-cert' ? toClientCert(certificate) : ['x-forwarded-client-cert', toEnvoyElement(certificate)];
}

/** RFC 9440 §2: byte sequences of structured fields. */
function toClientCert({ der, chainDer }: CertificateFacts): string[] {
  const fields = ['client-cert', toByteSequence(der)];
  if (chainDer.length > 0) fields.push('client-cert-chain', chainDer.map(toByteSequence).join(', '));
  return fields;
}

function toByteSequence(bytes: Buffer): string {
  return `:${bytes.toString('base64')}:`;
}

/** Envoy's form: pairs joined by semicolons, values that could be mistaken for syntax in quotes. */
function toEnvoyElement({ subject, subjectAltNames, fingerprint256 }: CertificateFacts): string {
  const pairs = [`Hash=${fingerprint256}`, `Subject="${escapeQuotes(subject)}"`];
  for (const name of subjectAltNames) {
    if (name.startsWith('URI:')) pairs.push(`URI=${quoteIfNeeded(name.slice('URI:'.length))}`);
    else if (name.startsWith('DNS:')) pairs.push(`DNS=${quoteIfNeeded(name.slice('DNS:'.length))}`);
  }
  return pairs.join(';');
}

function quoteIfNeeded(text: string): string {
  return /^[\w.:/*@+~-]+$/.test(text) ? text : `"${escapeQuotes(text)}"`;
}

/** A name may hold anything; a field may not. */
function escapeQuotes(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&');
}
