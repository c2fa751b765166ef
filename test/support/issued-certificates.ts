/** Certificates for tests that need names or dates of their own. */
import { createAuthority, createSigned } from '#certificates/signing.ts';

export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A certificate for these names, valid for that long from then on. */
export async function issueCertificate(names: readonly string[], fromMs: number, days: number): Promise<IssuedCertificate> {
  const authority = await createAuthority('Authority for tests', { nowMs: fromMs, days: 36_500 });
  const { certPem, keyPem } = await createSigned(names, authority, { nowMs: fromMs, days });
  return { cert: certPem, key: keyPem, ca: authority.certPem };
}
