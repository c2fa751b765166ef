/** Whether a request may pass, as somebody else has decided. */
import type { ErrorDetail, GatewayError } from '#base/errors.ts';
import type { Reply } from '#http/response.ts';

export interface Allowed {
  readonly kind: 'allowed';
  /** What the request takes along, names and values alternating. */
  readonly fields: readonly string[];
  /** What the answer to the client takes along. */
  readonly answerFields?: readonly string[] | undefined;
  /** Who asks, by the name that the service has for them. Whom the configuration has for it is looked up for each request. */
  readonly asker: string | undefined;
}

export interface Denied {
  readonly kind: 'denied';
  readonly error: GatewayError;
  /** Answered in the place of the error. */
  readonly reply?: Reply | undefined;
}

/** Nobody has decided anything. */
export interface Undecided {
  readonly kind: 'undecided';
  readonly detail: ErrorDetail;
  /** Nobody waited for the answer any more. */
  readonly isAbandoned?: boolean;
}

export type Decision = Allowed | Denied | Undecided;
