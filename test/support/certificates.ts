/** Certificates for servers of tests: `localhost` is signed by `authority`, and `otherAuthority` has signed nothing. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('./certificates/', import.meta.url);

/** Paths, as a configuration names them. */
export const certificatePaths = {
  authority: pathOf('authority.pem'),
  otherAuthority: pathOf('other-authority.pem'),
  localhostCert: pathOf('localhost.pem'),
  localhostKey: pathOf('localhost.key'),
} as const;

/** Contents, as `node:tls` takes them. */
export const certificates = {
  authority: readFileSync(certificatePaths.authority),
  localhost: { cert: readFileSync(certificatePaths.localhostCert), key: readFileSync(certificatePaths.localhostKey) },
} as const;

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, folder));
}
