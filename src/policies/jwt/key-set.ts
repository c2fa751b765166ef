/** Public keys of an issuer, as JSON Web Key Sets hold them (RFC 7517). */
import type { JWK } from 'jose';

/** A key that signatures are checked with. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** The one algorithm that it is for, where it says so. */
  readonly alg: string | undefined;
  readonly jwk: JWK;
  /** All that it is; the same text, the same key. */
  readonly identity: string;
  /** The issuer has taken it back: nothing that it has signed counts any more. */
  isWithdrawn: boolean;
}

/** More than that is nobody's key set. */
const KEYS_MAX = 100;
const KID_LENGTH_MAX = 512;
/** 8192 bits as base64url. Longer ones cost more time than a signature is worth. */
const MEMBER_LENGTH_MAX = 1_368;
/** 64 bits; others make each check as dear as a signature. */
const EXPONENT_LENGTH_MAX = 12;

interface Family {
  readonly kty: string;
  readonly crv?: string;
}

/** RFC 7518 §3.1 and RFC 8037 §3.1: what an algorithm needs for a key. No key fits two kinds, so none can be taken for another. */
const families: Readonly<Record<string, Family>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

export function fits({ alg, jwk }: VerificationKey, algorithm: string): boolean {
  const family = Object.hasOwn(families, algorithm) ? families[algorithm] : undefined;
  if (family === undefined || jwk.kty !== family.kty || (family.crv !== undefined && jwk.crv !== family.crv)) return false;
  return alg === undefined || alg === algorithm;
}

/** Reads a key set, or says why it is none. Keys that are for something else are left out. */
export function readKeySet(text: string): VerificationKey[] | string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const keys = isMap(document) ? document['keys'] : undefined;
  if (!Array.isArray(keys)) return 'it has no list `keys`';
  if (keys.length > KEYS_MAX) return `it has more than ${KEYS_MAX} keys`;
  return readKeys(keys);
}

export function readKeys(keys: readonly unknown[]): VerificationKey[] {
  return keys.map(readKey).filter((key) => key !== undefined);
}

function readKey(written: unknown): VerificationKey | undefined {
  if (!isMap(written)) return undefined;
  const { use, key_ops: operations, kid, alg } = written;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > KID_LENGTH_MAX)) return undefined;
  if (alg !== undefined && (typeof alg !== 'string' || !Object.hasOwn(families, alg))) return undefined;
  const jwk = toPublicMembers(written);
  if (jwk === undefined) return undefined;
  return { kid, alg, jwk, identity: JSON.stringify([kid, alg, jwk]), isWithdrawn: false };
}

/** Nothing else of a key is looked at: no certificates, and no private part that somebody has put there by mistake. */
function toPublicMembers({ kty, crv, n, e, x, y }: Readonly<Record<string, unknown>>): JWK | undefined {
  const isMember = (member: unknown): member is string => typeof member === 'string' && member.length <= MEMBER_LENGTH_MAX;
  switch (kty) {
    case 'RSA':
      return isMember(n) && isMember(e) && e.length <= EXPONENT_LENGTH_MAX ? { kty, n, e } : undefined;
    case 'EC':
      return isMember(crv) && isMember(x) && isMember(y) ? { kty, crv, x, y } : undefined;
    case 'OKP':
      return isMember(crv) && isMember(x) ? { kty, crv, x } : undefined;
    default:
      return undefined;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
