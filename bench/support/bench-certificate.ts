/** A certificate for `localhost` (EC P-256), made by openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BenchCertificate {
  readonly cert: string;
  readonly key: string;
}

export function makeCertificate(folder: string): BenchCertificate {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '30', ...names], { stdio: 'ignore' });
  return { cert, key };
}

/** Both in one file, as HAProxy wants them. */
export function joinCertificate({ cert, key }: BenchCertificate, path: string): void {
  writeFileSync(path, readFileSync(key, 'latin1') + readFileSync(cert, 'latin1'));
}
