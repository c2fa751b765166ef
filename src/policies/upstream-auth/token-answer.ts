/** What a token endpoint answers (RFC 6749 §5). All of it comes from elsewhere and is looked at before it is believed. */
import { parseJsonMap } from '#base/json-map.ts';
import type { HttpCallAnswer } from '#net/http-call.ts';

/** Longer ones would be refused by services together with the rest of a head. */
const TOKEN_LENGTH_MAX = 16 * 1_024;
/** RFC 6750 §2.1, and what others make of it: visible ASCII, so that nothing of it ends a field. */
const TOKEN = /^[\x21-\x7e]+$/;
/** RFC 6749 §5.2. */
const ERROR_NAME = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
/** RFC 6749 §5.1 leaves out what a token without a time is to be taken for. */
const LIFETIME_MS_ASSUMED = 5 * 60_000;
/** One that claims to last longer is asked for anew all the same. */
const LIFETIME_MS_MAX = 24 * 3_600_000;

export interface IssuedToken {
  readonly text: string;
  readonly lifetimeMs: number;
}

/** A text says why there is no token in it; it holds nothing that could be a secret. */
export function readTokenAnswer(answer: HttpCallAnswer): IssuedToken | string {
  const body = parseJsonMap(answer.text);
  if (answer.status !== 200) {
    const error = body?.['error'];
    return `status ${answer.status}${typeof error === 'string' && ERROR_NAME.test(error) ? `, ${error}` : ''}`;
  }
  if (body === undefined) return 'the answer is no JSON object';
  const { access_token: text, token_type: type = 'Bearer', expires_in: expiresIn } = body;
  if (typeof text !== 'string' || text === '') return 'the answer has no `access_token`';
  if (text.length > TOKEN_LENGTH_MAX) return `the token is longer than ${TOKEN_LENGTH_MAX} characters`;
  if (!TOKEN.test(text)) return 'the token has characters that no header field can hold';
  // RFC 6749 §7.1: in any case, and a client has to know the type.
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return 'the token is none of type `Bearer`';
  const lifetimeMs = readLifetimeMs(expiresIn);
  return lifetimeMs === undefined ? '`expires_in` is no number of seconds above 0' : { text, lifetimeMs };
}

/** Some issuers write the number as text. */
function readLifetimeMs(expiresIn: unknown): number | undefined {
  if (expiresIn === undefined || expiresIn === null) return LIFETIME_MS_ASSUMED;
  const isText = typeof expiresIn === 'string' && /^\d{1,15}$/.test(expiresIn);
  const seconds = isText ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined;
  return Math.min(seconds * 1_000, LIFETIME_MS_MAX);
}
