/** Versions, ciphers and groups by name, as Mozilla publishes them (Server Side TLS, version 5.8). */
import type { SecureContextOptions } from 'node:tls';

export type TlsPolicy = 'modern' | 'intermediate';

const TLS13_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const [opensslMajor = 0, opensslMinor = 0] = process.versions.openssl.split('.').map((part) => Number.parseInt(part, 10));
/** OpenSSL knows the group that resists quantum computers since 3.5. */
const hasMlKem = opensslMajor > 3 || (opensslMajor === 3 && opensslMinor >= 5);
const GROUPS = `${hasMlKem ? 'X25519MLKEM768:' : ''}X25519:prime256v1:secp384r1`;

/** What a policy says to OpenSSL. The order of ciphers is the client's: each of them is safe, and it knows which it computes fast. */
export function toPolicyOptions(policy: TlsPolicy): SecureContextOptions {
  return {
    minVersion: policy === 'modern' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: policy === 'modern' ? TLS13_CIPHERS : `${TLS13_CIPHERS}:${TLS12_CIPHERS}`,
    ecdhCurve: GROUPS,
    honorCipherOrder: false,
  };
}
