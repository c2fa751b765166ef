/**
 * Looks whether tokens count. The signature is checked by jose, away from the event loop; which keys and algorithms it may be
 * checked with is decided here, by the configuration and the keys, and never by the token alone.
 */
import type { JWTVerifyOptions } from 'jose';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { Library } from '#base/library.ts';
import { findClaim, hasClaimValue } from '#http/claims.ts';
import { TOKEN_LENGTH_MAX } from '#pipeline/token-memory.ts';
import type { IssuerConfig, JwtConfig } from './config.ts';
import { jwtErrors } from './errors.ts';
import type { VerificationKey } from './key-set.ts';
import type { KeySource } from './key-source.ts';
import { readToken, type TokenParts } from './token-parts.ts';

export interface Issuer {
  readonly config: IssuerConfig;
  /** Of a secret there is nothing to be fetched. */
  readonly keys: KeySource | undefined;
  readonly secret: Uint8Array | undefined;
}

export interface VerifiedToken {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly issuer: Issuer;
  /** What has signed it; `undefined` for a secret. */
  readonly key: VerificationKey | undefined;
  /** On the calendar; from then on it does not count. */
  readonly expiresMs: number;
}

/** A token does not count; the reason is for logs. */
export type Refusal = { readonly reason: string };
export type Verdict = VerifiedToken | Refusal | GatewayError;

export interface VerifierMeans {
  readonly clock: Clock;
  /** True once the promise has settled, false when it has not for so long. */
  readonly settles: (promise: Promise<void>, timeoutMs: number) => Promise<boolean>;
}

export const verifyLibrary = new Library('jose', () => import('jose/jwt/verify'));

/** RFC 9068 §2.1, RFC 7519 §5.1: types of access tokens. Others, such as `logout+jwt`, are no tokens to get in with. */
const usualTypes: readonly string[] = ['application/jwt', 'application/at+jwt'];

/** What jose calls it, and what logs say. */
const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
};

export class TokenVerifier {
  readonly #issuers: ReadonlyMap<unknown, Issuer>;
  readonly #config: JwtConfig;
  readonly #means: VerifierMeans;

  constructor(issuers: readonly Issuer[], config: JwtConfig, means: VerifierMeans) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.config.issuer, issuer]));
    this.#config = config;
    this.#means = means;
  }

  async verify(token: string): Promise<Verdict> {
    if (token.length > TOKEN_LENGTH_MAX) return { reason: 'too long' };
    const parts = readToken(token);
    if (typeof parts === 'string') return { reason: parts };
    const issuer = this.#issuers.get(parts.claims['iss']);
    if (issuer === undefined) return { reason: 'issuer' };
    const refusal = this.#findHeaderFault(parts, issuer);
    if (refusal !== undefined) return { reason: refusal };
    if (issuer.secret !== undefined) return this.#check(token, parts, issuer, undefined);
    return this.#verifyByKeys(token, parts, issuer);
  }

  /** Keys and certificates that a token brings along are not looked at (RFC 7515 §10.3): it could have been signed with any. */
  #findHeaderFault({ header }: TokenParts, { config }: Issuer): string | undefined {
    const { alg, kid, typ } = header;
    if (typeof alg !== 'string' || !config.algorithms.includes(alg)) return 'algorithm';
    // RFC 7515 §4.1.11: what must be understood and is not makes the token invalid. We have no extensions.
    if ('crit' in header || 'b64' in header) return 'extension';
    if (kid !== undefined && typeof kid !== 'string') return 'header';
    if (typ === undefined) return this.#config.typ === undefined ? undefined : 'type';
    const allowed = this.#config.typ ?? usualTypes;
    return typeof typ === 'string' && allowed.includes(toMediaType(typ)) ? undefined : 'type';
  }

  async #verifyByKeys(token: string, parts: TokenParts, issuer: Issuer): Promise<Verdict> {
    const { alg, kid } = parts.header as { alg: string; kid: string | undefined };
    const keys = issuer.keys!;
    keys.refreshIfOld(this.#means.clock.monotonicMs());
    const tried = new Set<VerificationKey>();
    let verdict: Verdict = { reason: 'key' };
    // A second time with the keys that the issuer has by now, if it has others.
    for (let look = 0; look < 2; look++) {
      for (const key of keys.find(alg, kid)) {
        if (tried.has(key)) continue;
        tried.add(key);
        verdict = await this.#check(token, parts, issuer, key);
        if (!isWrongKey(verdict)) return verdict;
      }
      // A key with this name is there: it is the signature that is wrong.
      if (look === 1 || (kid !== undefined && tried.size > 0)) break;
      const pending = keys.lookAgain();
      const hasLooked = pending !== undefined && (await this.#means.settles(pending, this.#config.timeoutMs));
      if (pending === undefined && !keys.isFailing) break;
      if (tried.size === 0 && keys.find(alg, kid).length === 0 && (keys.isFailing || !hasLooked)) return this.#giveUp(issuer);
    }
    return verdict;
  }

  /** Whether the token counts is not known: the client may have done nothing wrong. */
  #giveUp({ config, keys }: Issuer): GatewayError {
    return jwtErrors.keysUnavailable({ issuer: config.issuer }, { retryAfterMs: Math.max(1_000, keys!.retryInMs) });
  }

  async #check(token: string, { claims }: TokenParts, issuer: Issuer, key: VerificationKey | undefined): Promise<Verdict> {
    const { config, secret } = issuer;
    const { leewayMs, maxAgeMs, requireExpiry } = this.#config;
    const options: JWTVerifyOptions = {
      algorithms: [...config.algorithms],
      issuer: config.issuer,
      currentDate: new Date(this.#means.clock.wallMs()),
      clockTolerance: leewayMs / 1_000,
      ...(config.audience !== undefined && { audience: [...config.audience] }),
      ...(maxAgeMs !== undefined && { maxTokenAge: maxAgeMs / 1_000 }),
      ...(requireExpiry && { requiredClaims: ['exp'] }),
    };
    try {
      await verifyLibrary.module.jwtVerify(token, secret ?? key!.jwk, options);
    } catch (error) {
      // Whatever it is that the token or a key of the issuer makes go wrong, the token does not count.
      return { reason: toReason(error) };
    }
    const missing = Object.entries(config.claims).find(([name, values]) => !hasClaimValue(findClaim(claims, name), values));
    if (missing !== undefined) return { reason: `claim ${missing[0]}` };
    return { claims, issuer, key, expiresMs: this.#findExpiry(claims) };
  }

  #findExpiry({ exp, iat }: Readonly<Record<string, unknown>>): number {
    const { leewayMs, maxAgeMs } = this.#config;
    const byExp = typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY;
    const byAge = maxAgeMs !== undefined && typeof iat === 'number' ? iat * 1_000 + maxAgeMs : Number.POSITIVE_INFINITY;
    return Math.min(byExp, byAge) + leewayMs;
  }
}

function isWrongKey(verdict: Verdict): boolean {
  return 'reason' in verdict && (verdict.reason === 'signature' || verdict.reason === 'key');
}

function toReason(error: unknown): string {
  const { code, claim } = error as { code?: unknown; claim?: unknown };
  if (typeof claim === 'string' && code !== 'ERR_JWT_EXPIRED') return `claim ${claim}`;
  // A key that cannot be used for the algorithm, such as one that is too short, is no error of jose's own.
  return typeof code === 'string' ? (reasons[code] ?? 'not a token') : 'key';
}

/** RFC 7515 §4.1.9. */
function toMediaType(typ: string): string {
  const lower = typ.toLowerCase();
  return lower.includes('/') ? lower : `application/${lower}`;
}
