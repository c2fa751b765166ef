/** Why a provider did not do what it was asked for. */
import { HttpCallFailed } from '#net/http-call.ts';

/** `unavailable`: it may do so later. `denied`: it says that it does not want to. `refused`: what was brought to it does not count. */
export interface ProviderProblem {
  readonly kind: 'unavailable' | 'denied' | 'refused';
  /** For logs. Holds nothing that a client or a provider wrote, but for codes of errors. */
  readonly reason: string;
}

/** As much of an error of the library as is looked at; all of them are told apart by their codes. */
interface LibraryError {
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
  /** The code of an error of OAuth (RFC 6749 §5.2). */
  readonly error?: unknown;
  readonly status?: unknown;
}

const CAUSES_MAX = 5;
/** RFC 6749 §4.1.2.1; the word is written by whoever answers. */
const ERROR_WORD = /^[a-z0-9_]{1,60}$/;
/** What comes back is no answer of a provider that works. */
const BROKEN = new Set(['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR', 'OAUTH_TIMEOUT']);

export function toProviderProblem(thrown: unknown): ProviderProblem {
  const causes = listCauses(thrown);
  const failed = causes.find((cause) => cause instanceof HttpCallFailed);
  if (failed !== undefined) return { kind: 'unavailable', reason: failed.message };
  const error = causes[0];
  if (error === undefined) return { kind: 'refused', reason: 'unknown' };
  const code = typeof error.code === 'string' ? error.code : '';
  const word = typeof error.error === 'string' && ERROR_WORD.test(error.error) ? error.error : 'unknown';
  if (code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR') return { kind: 'denied', reason: word };
  if (code === 'OAUTH_RESPONSE_BODY_ERROR') {
    const isLater = typeof error.status === 'number' && (error.status >= 500 || error.status === 429);
    return { kind: isLater ? 'unavailable' : 'refused', reason: word };
  }
  return { kind: BROKEN.has(code) ? 'unavailable' : 'refused', reason: causes.map(({ message }) => message).join(': ') };
}

function listCauses(thrown: unknown): LibraryError[] {
  const causes: LibraryError[] = [];
  for (let error = thrown; error instanceof Error && causes.length < CAUSES_MAX; error = error.cause) causes.push(error);
  return causes;
}
