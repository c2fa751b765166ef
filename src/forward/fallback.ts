/** What answers in the place of a service that does not. */
import type { GatewayError } from '#base/errors.ts';
import type { Terminal } from '#pipeline/plan.ts';
import type { Service } from '#services/service.ts';
import type { ForwardRules } from './forward-rules.ts';

/** Why a service is not waited for any longer, or a status of it that counts as if it had not answered. */
export type FallbackReason = 'unavailable' | 'failure' | 'timeout' | number;

export type FallbackPlace =
  | { readonly kind: 'service'; readonly service: Service; readonly rules: ForwardRules }
  /** An answer of the gateway itself. */
  | { readonly kind: 'answer'; readonly terminal: Terminal };

export class Fallback {
  readonly to: FallbackPlace;
  readonly #when: ReadonlySet<FallbackReason>;

  constructor(to: FallbackPlace, when: readonly FallbackReason[]) {
    this.to = to;
    this.#when = new Set(when);
  }

  covers(error: GatewayError): boolean {
    return error.kind.side === 'upstream' && this.#when.has(toReason(error));
  }

  coversStatus(status: number): boolean {
    return this.#when.has(status);
  }
}

function toReason({ status }: GatewayError): FallbackReason {
  if (status === 503) return 'unavailable';
  return status === 504 ? 'timeout' : 'failure';
}
