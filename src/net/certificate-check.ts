/** Whether a certificate and its key can be served at all; looked at before anything is changed. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

export interface CertificateFault {
  readonly of: 'certificate' | 'key';
  /** Completes "the certificate FILE ...". */
  readonly problem: string;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, the one that is served first. Throws when one of them cannot be read. */
export function readCertificates(text: string): X509Certificate[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** PEM texts, the certificate with its chain. They may be one and the same. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Between these a certificate counts, with which nothing else is wrong. */
interface Life {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Looks at certificates with their keys. What was found sound the last time is asked only for its dates. */
export class CertificateChecks {
  /** By the texts of certificate and key. */
  #sound: ReadonlyMap<string, Life> = new Map();

  /** What is wrong with each pair, in their order; `undefined`: nothing. */
  findFaults(pairs: readonly CertificatePair[], nowMs: number): (CertificateFault | undefined)[] {
    const sound = new Map<string, Life>();
    const faults = pairs.map((pair) => {
      const text = `${pair.cert}${pair.key}`;
      const found = this.#sound.get(text) ?? sound.get(text) ?? examine(pair);
      if ('of' in found) return found;
      sound.set(text, found);
      return findTimeFault(found, nowMs);
    });
    this.#sound = sound;
    return faults;
  }
}

function examine({ cert, key }: CertificatePair): CertificateFault | Life {
  let chain: X509Certificate[];
  try {
    chain = readCertificates(cert);
  } catch {
    // What OpenSSL says of broken base64 helps nobody.
    chain = [];
  }
  const [certificate] = chain;
  if (certificate === undefined) return { of: 'certificate', problem: 'is not a certificate in PEM form' };
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    const isEncrypted = /passphrase|bad decrypt|interrupted or cancelled/i.test(error instanceof Error ? error.message : '');
    const problem = isEncrypted ? 'is encrypted; store it without a passphrase' : 'is not a private key in PEM form';
    return { of: 'key', problem };
  }
  if (!certificate.checkPrivateKey(privateKey)) return { of: 'key', problem: 'does not belong to' };
  const objection = chain.every(isPlainlyStrong) ? undefined : askOpenSsl({ cert, key });
  if (objection !== undefined) return { of: 'certificate', problem: `is refused by OpenSSL: ${objection}` };
  return { fromMs: certificate.validFromDate.getTime(), toMs: certificate.validToDate.getTime() };
}

/**
 * With such a key and signature OpenSSL finds nothing too weak, and is not asked: its answer takes a millisecond, and a listener
 * may have thousands of certificates.
 */
function isPlainlyStrong({ publicKey, signatureAlgorithm = '' }: X509Certificate): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } = publicKey;
  const isStrongKey = asymmetricKeyType === 'rsa' ? modulusLength >= RSA_BITS_PLENTY : STRONG_CURVES.includes(namedCurve);
  return isStrongKey && STRONG_SIGNATURE.test(signatureAlgorithm);
}

const RSA_BITS_PLENTY = 2048;
const STRONG_CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];
const STRONG_SIGNATURE = /SHA(?:256|384|512)/i;

/** What it would say in the first handshake. */
function askOpenSsl({ cert, key }: CertificatePair): string | undefined {
  try {
    createSecureContext({ cert, key, ca: [] });
    return undefined;
  } catch (error) {
    return (error as { readonly reason?: string }).reason ?? String(error);
  }
}

function findTimeFault({ fromMs, toMs }: Life, nowMs: number): CertificateFault | undefined {
  if (toMs < nowMs) return { of: 'certificate', problem: `has expired on ${new Date(toMs).toISOString().slice(0, 10)}` };
  if (fromMs > nowMs) return { of: 'certificate', problem: `is not valid before ${new Date(fromMs).toISOString()}` };
  return undefined;
}
