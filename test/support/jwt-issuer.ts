/** Somebody who issues tokens: has keys, signs, and answers who asks for the keys. Dumb: it says what it is told to. */
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import type { CallHttp, HttpCallAnswer } from '#net/http-call.ts';

export interface IssuerKeyPair {
  readonly kid: string;
  readonly alg: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

export async function makeKeyPair(kid: string, alg = 'ES256'): Promise<IssuerKeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}

export interface SignedClaims {
  readonly [claim: string]: unknown;
}

export class TestIssuer {
  readonly issuer: string;
  /** Those that it tells of. */
  keys: readonly IssuerKeyPair[];
  /** Addresses that were asked, in order. */
  readonly asked: string[] = [];
  /** In the place of what would be answered. */
  answers: Record<string, Partial<HttpCallAnswer> | (() => Promise<HttpCallAnswer>)> = {};
  headers: HttpCallAnswer['headers'] = {};

  constructor(keys: readonly IssuerKeyPair[], issuer = 'https://login.example.com/') {
    this.issuer = issuer;
    this.keys = keys;
  }

  get jwksUrl(): string {
    return new URL('/keys', this.issuer).href;
  }

  get discoveryUrl(): string {
    return `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  }

  get keySet(): string {
    return JSON.stringify({ keys: this.keys.map(({ publicJwk }) => publicJwk) });
  }

  readonly callHttp: CallHttp = async ({ url }) => {
    this.asked.push(url);
    const answer = this.answers[url];
    if (typeof answer === 'function') return answer();
    return { ...this.#usual(url), ...answer };
  };

  #usual(url: string): HttpCallAnswer {
    if (url === this.jwksUrl) return { status: 200, headers: this.headers, text: this.keySet };
    if (url !== this.discoveryUrl) return { status: 404, headers: {}, text: '' };
    return { status: 200, headers: {}, text: JSON.stringify({ issuer: this.issuer, jwks_uri: this.jwksUrl }) };
  }

  /** A token as it should be, but for what is written. `undefined` takes a claim or a header away. */
  sign(claims: SignedClaims, options: { key?: IssuerKeyPair; header?: Record<string, unknown>; nowMs: number }): Promise<string> {
    const { key = this.keys[0]!, header = {}, nowMs } = options;
    const now = Math.floor(nowMs / 1_000);
    const payload = { iss: this.issuer, sub: 'ann', aud: 'shop', iat: now, exp: now + 300, ...claims };
    const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'JWT', ...header } as JWTHeaderParameters;
    return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key.privateKey);
  }
}
