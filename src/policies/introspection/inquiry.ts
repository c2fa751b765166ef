/** Asks a server whether tokens count (RFC 7662). What it answers is bounded in time and bytes, and so is how much is asked at once. */
import { parseJsonMap } from '#base/json-map.ts';
import { findClaim, hasClaimValue } from '#http/claims.ts';
import type { Claims } from '#http/consumer.ts';
import { addClientProof } from '#net/client-authentication.ts';
import type { CallHttp } from '#net/http-call.ts';
import type { IntrospectionConfig } from './config.ts';

const ANSWER_BYTES_MAX = 64 * 1024;
/** Questions under way; who makes up tokens must not make us open as many connections. */
const QUESTIONS_MAX = 256;

/** What the server says of a token. A reason is for logs. */
export type Answer =
  | { readonly claims: Claims; readonly expiresInMs: number }
  | { readonly reason: string }
  /** It says nothing that could be used. */
  | { readonly failure: string };

type Settings = Pick<
  IntrospectionConfig,
  'endpoint' | 'clientId' | 'clientSecret' | 'clientAuthentication' | 'hint' | 'issuer' | 'audience' | 'claims' | 'timeoutMs'
>;

export class Inquiry {
  readonly #settings: Settings;
  readonly #callHttp: CallHttp;
  readonly #ca: string | undefined;
  #questions = 0;

  constructor(settings: Settings, means: { readonly callHttp: CallHttp; readonly ca: string | undefined }) {
    this.#settings = settings;
    this.#callHttp = means.callHttp;
    this.#ca = means.ca;
  }

  /** Never rejects. */
  async ask(token: string, wallMs: number): Promise<Answer> {
    if (this.#questions >= QUESTIONS_MAX) return { failure: `more than ${QUESTIONS_MAX} questions at once` };
    this.#questions += 1;
    try {
      const answer = await this.#callHttp({ ...this.#toQuestion(token), timeoutMs: this.#settings.timeoutMs, ca: this.#ca });
      // RFC 7662 §2.3: a token that does not count is answered with 200 too.
      if (answer.status !== 200) return { failure: `the server answers with ${answer.status}` };
      return this.#judge(parseJsonMap(answer.text), wallMs);
    } catch (error) {
      // Whatever it was, the token is as good or bad as before; nobody knows.
      return { failure: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#questions -= 1;
    }
  }

  #toQuestion(token: string) {
    const { endpoint, clientId, clientSecret, clientAuthentication, hint } = this.#settings;
    const form = new URLSearchParams({ token, token_type_hint: hint });
    const proof = addClientProof(form, { clientId, secret: clientSecret, way: clientAuthentication });
    const headers = { ...proof, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    return { url: endpoint, method: 'POST', headers, body: form.toString(), bytesMax: ANSWER_BYTES_MAX };
  }

  #judge(claims: Claims | undefined, wallMs: number): Answer {
    if (claims === undefined) return { failure: 'the server answers with no map of JSON' };
    const { active, iss, aud, exp, nbf } = claims;
    if (active !== true) return { reason: 'inactive' };
    const { issuer, audience, claims: required } = this.#settings;
    if (issuer !== undefined && iss !== undefined && iss !== issuer) return { reason: 'issuer' };
    if (audience !== undefined && !hasClaimValue(aud, audience)) return { reason: 'claim aud' };
    const missing = Object.entries(required).find(([name, values]) => !hasClaimValue(findClaim(claims, name), values));
    if (missing !== undefined) return { reason: `claim ${missing[0]}` };
    // The server has looked at them as well; its clock is not ours, and an answer is kept for a while.
    if (typeof nbf === 'number' && nbf * 1_000 > wallMs + LEEWAY_MS) return { reason: 'claim nbf' };
    const expiresInMs = typeof exp === 'number' ? exp * 1_000 + LEEWAY_MS - wallMs : Number.POSITIVE_INFINITY;
    return expiresInMs <= 0 ? { reason: 'expired' } : { claims, expiresInMs };
  }
}

/** How far the clock of the server may be from ours. */
const LEEWAY_MS = 30_000;
