/** Every certificate that a configuration uses, with the files that it is in. */
import { toAcmeFile } from '#config/acme-files.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CertificatePair } from '#net/certificate-check.ts';
import {
  type CertificateFacts,
  type CertificateUse,
  certificateFacts,
  type ReadCertificate,
  readCertificate,
} from './certificate-facts.ts';

export interface CertificateFiles {
  readonly use: CertificateUse;
  readonly certPath: string;
  readonly keyPath: string;
}

/** Those that listeners serve and the admin address, then those that services are shown. */
export function listCertificateUses({ acme, admin, listeners, services }: Configuration): CertificateFiles[] {
  const uses: CertificateFiles[] = [];
  for (const [listener, { tls }] of Object.entries(listeners)) {
    for (const certificate of tls?.certificates ?? []) {
      if (certificate.kind === 'acme') {
        if (acme === undefined) continue;
        const path = toAcmeFile(acme, certificate.names);
        uses.push({ use: { listener, source: 'acme', path, names: certificate.names }, certPath: path, keyPath: path });
      } else {
        const { cert, key, hosts } = certificate;
        const names = hosts?.map(({ source }) => source) ?? [];
        uses.push({ use: { listener, source: 'file', path: cert, names }, certPath: cert, keyPath: key });
      }
    }
  }
  if (admin?.tls !== undefined) {
    const { cert, key } = admin.tls;
    uses.push({ use: { listener: 'admin', source: 'file', path: cert, names: [] }, certPath: cert, keyPath: key });
  }
  for (const [service, { tls }] of Object.entries(services)) {
    if (tls?.certificate === undefined) continue;
    const { cert, key } = tls.certificate;
    uses.push({ use: { service, source: 'file', path: cert, names: [] }, certPath: cert, keyPath: key });
  }
  return uses;
}

/** What the certificates of the running configuration say. Each is read once for as long as its texts stay the same. */
export class UsedCertificates {
  readonly #uses: readonly { readonly use: CertificateUse; readonly pair: CertificatePair | undefined }[];
  readonly #read: Map<string, ReadCertificate>;

  /** `texts` are those that the data threads have, by path. What is in both is taken over from the certificates before. */
  constructor(configuration: Configuration, texts: Readonly<Record<string, string>>, before?: UsedCertificates) {
    this.#uses = listCertificateUses(configuration).map(({ use, certPath, keyPath }) => {
      const [cert, key] = [texts[certPath], texts[keyPath]];
      return { use, pair: cert === undefined || key === undefined ? undefined : { cert, key } };
    });
    const known = this.#uses.flatMap(({ pair }): [string, ReadCertificate][] => {
      const read = pair === undefined ? undefined : before?.find(pair);
      return read === undefined ? [] : [[keyOf(pair!), read]];
    });
    this.#read = new Map(known);
  }

  /** The facts at a time. */
  facts(nowMs: number): CertificateFacts[] {
    return this.#uses.map(({ use, pair }) => certificateFacts(use, this.#readOnce(pair), nowMs));
  }

  /** What has been read of these texts before. */
  find(pair: CertificatePair): ReadCertificate | undefined {
    return this.#read.get(keyOf(pair));
  }

  #readOnce(pair: CertificatePair | undefined): ReadCertificate {
    if (pair === undefined) return { unreadable: 'the file was not read' };
    const read = this.find(pair) ?? readCertificate(pair);
    this.#read.set(keyOf(pair), read);
    return read;
  }
}

function keyOf({ cert, key }: CertificatePair): string {
  return cert === key ? cert : `${cert}${key}`;
}
