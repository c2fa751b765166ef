/**
 * Keys that sign tokens (RFC 7515), and what others verify them with (RFC 7517). `node:crypto` is loaded with the first key:
 * most configurations have none.
 */
import type { KeyObject } from 'node:crypto';

/** RFC 7518 §3.1 and RFC 8037 §3.1. */
export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

/** What anybody may know of a key. */
export interface PublicJwk {
  readonly [member: string]: unknown;
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
}

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2_048;
/** RFC 7638 §3.2 and RFC 8037 §2: the members that make a key what it is, in the order in which they are hashed. */
const THUMBPRINT_MEMBERS: Readonly<Record<SigningAlgorithm, readonly string[]>> = {
  ES256: ['crv', 'kty', 'x', 'y'],
  EdDSA: ['crv', 'kty', 'x'],
  RS256: ['e', 'kty', 'n'],
};

/** A private key. Nothing of it can be read from outside. */
export class SigningKey {
  readonly jwk: PublicJwk;
  readonly #key: KeyObject;

  constructor(key: KeyObject, jwk: PublicJwk) {
    this.#key = key;
    this.jwk = jwk;
  }

  /** A token that says this, in the compact form (RFC 7515 §7.1). `id`: a name for the key that somebody else has given it. */
  sign(claims: Readonly<Record<string, unknown>>, id: string = this.jwk.kid): string {
    const { alg } = this.jwk;
    const signed = `${toPart({ alg, typ: 'JWT', kid: id })}.${toPart(claims)}`;
    const { sign } = process.getBuiltinModule('node:crypto');
    // RFC 7518 §3.4: both numbers of the signature stand behind each other, without the frame of ASN.1.
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' } as const;
    return `${signed}.${sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(signed), key).toString('base64url')}`;
  }
}

/** Reads a private key in PEM form; `undefined`: it is none that signs tokens. */
export function readSigningKey(pem: string): SigningKey | undefined {
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  const key = tryKey(() => createPrivateKey(pem));
  const jwk = readPublicJwk(pem);
  return key === undefined || jwk === undefined ? undefined : new SigningKey(key, jwk);
}

/** The public half of a key in PEM form, which may be a private one. */
export function readPublicJwk(pem: string): PublicJwk | undefined {
  const { createPublicKey, hash } = process.getBuiltinModule('node:crypto');
  const key = tryKey(() => createPublicKey(pem));
  const alg = key && findAlgorithm(key);
  if (key === undefined || alg === undefined) return undefined;
  const jwk: Readonly<Record<string, unknown>> = { ...key.export({ format: 'jwk' }) };
  const members = THUMBPRINT_MEMBERS[alg].map((name) => [name, jwk[name]]);
  const kid = hash('sha256', JSON.stringify(Object.fromEntries(members)), 'base64url');
  return { ...jwk, kid, alg, use: 'sig' };
}

function findAlgorithm({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm | undefined {
  switch (asymmetricKeyType) {
    case 'ec':
      return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined;
    case 'ed25519':
      return 'EdDSA';
    case 'rsa':
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN ? 'RS256' : undefined;
    default:
      return undefined;
  }
}

function tryKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    // What is wrong with it is said by whoever asked, who knows what it was meant to be.
    return undefined;
  }
}

function toPart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
