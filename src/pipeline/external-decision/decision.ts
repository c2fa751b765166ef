/** Whether a request may pass, as somebody else has decided. */
import type { ErrorDetail, GatewayError } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import type { Reply } from '#http/response.ts';

export interface Allowed {
  readonly kind: 'allowed';
  /** What the request takes along, names and values alternating. */
  readonly fields: readonly string[];
  /** Who asks, if the decision says so. */
  readonly consumer: Consumer | undefined;
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
}

export type Decision = Allowed | Denied | Undecided;
