/** Whether a certificate and its key can be served at all; looked at before anything is changed. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface CertificateFault {
  readonly of: 'certificate' | 'key';
  /** Completes "the certificate FILE ...". */
  readonly problem: string;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, the one that is served first. Throws when one of them cannot be read. */
function readCertificates(text: string): X509Certificate[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** What is wrong with a certificate or its key; `undefined`: nothing. */
export function findCertificateFault(cert: string, key: string, nowMs: number): CertificateFault | undefined {
  let chain: X509Certificate[];
  try {
    chain = readCertificates(cert);
  } catch {
    // What OpenSSL says of broken base64 helps nobody.
    chain = [];
  }
  const [certificate] = chain;
  if (certificate === undefined) return { of: 'certificate', problem: 'is not a certificate in PEM form' };
  const timeFault = findTimeFault(certificate, nowMs);
  if (timeFault !== undefined) return { of: 'certificate', problem: timeFault };
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    const isEncrypted = /passphrase|bad decrypt|interrupted or cancelled/i.test(error instanceof Error ? error.message : '');
    const problem = isEncrypted ? 'is encrypted; store it without a passphrase' : 'is not a private key in PEM form';
    return { of: 'key', problem };
  }
  return certificate.checkPrivateKey(privateKey) ? undefined : { of: 'key', problem: 'does not belong to' };
}

function findTimeFault({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | undefined {
  if (validToDate.getTime() < nowMs) return `has expired on ${validToDate.toISOString().slice(0, 10)}`;
  if (validFromDate.getTime() > nowMs) return `is not valid before ${validFromDate.toISOString()}`;
  return undefined;
}
