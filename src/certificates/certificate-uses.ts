/** Every certificate that a configuration uses, with the files that it is in. */
import { toAcmeFile } from '#config/acme-files.ts';
import type { Configuration } from '#config/configuration.ts';
import { type CertificateFacts, type CertificateUse, certificateFacts } from './certificate-facts.ts';

export interface CertificateFiles {
  readonly use: CertificateUse;
  readonly certPath: string;
  readonly keyPath: string;
}

/** Those that listeners serve, then those that services are shown. */
export function listCertificateUses({ acme, listeners, services }: Configuration): CertificateFiles[] {
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
  for (const [service, { tls }] of Object.entries(services)) {
    if (tls?.certificate === undefined) continue;
    const { cert, key } = tls.certificate;
    uses.push({ use: { service, source: 'file', path: cert, names: [] }, certPath: cert, keyPath: key });
  }
  return uses;
}

/** The facts of all certificates as they are used now: `texts` are those that the data threads have. */
export function listCertificateFacts(
  configuration: Configuration,
  texts: Readonly<Record<string, string>>,
  nowMs: number,
): CertificateFacts[] {
  return listCertificateUses(configuration).map(({ use, certPath, keyPath }) => {
    const cert = texts[certPath];
    const key = texts[keyPath];
    const pair = cert === undefined || key === undefined ? { unreadable: 'the file was not read' } : { cert, key };
    return certificateFacts(use, pair, nowMs);
  });
}
