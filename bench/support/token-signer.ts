import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ISSUER = 'https://login.example.com/';
const AUDIENCE = 'shop';

export interface TokenSigner {
  /** The policy `jwt` that takes its tokens, as it stands in YAML. */
  readonly policy: string;
  /** A token that differs from those before. */
  sign(): Promise<string>;
}

/** An issuer of which nothing is there but its key. */
export async function createTokenSigner(algorithm: 'ES256' | 'RS256'): Promise<TokenSigner> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = JSON.stringify({ ...(await exportJWK(publicKey)), kid: algorithm });
  let count = 0;
  const sign = () =>
    new SignJWT({ n: count++, scope: 'orders:read orders:write', email: 'ann@example.com', roles: ['buyer'] })
      .setProtectedHeader({ alg: algorithm, kid: algorithm, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject('248289761001')
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  return { policy: `jwt: { issuer: "${ISSUER}", audience: ${AUDIENCE}, jwks: { keys: [${jwk}] } }`, sign };
}
