/** What answers in the place of a service that does not. */
import type { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { leaveSource, rescueThrown } from '#pipeline/rescue.ts';
import type { Service } from '#services/service.ts';
import type { ForwardRules } from './forward-rules.ts';
import { isRepeatable } from './retry-decision.ts';

/** Why a service is not waited for any longer, or a status of it that counts as if it had not answered. */
export type FallbackReason = 'unavailable' | 'failure' | 'timeout' | number;

export type FallbackPlace =
  | { readonly kind: 'service'; readonly service: Service; readonly rules: ForwardRules }
  /** An answer of the gateway itself. */
  | { readonly kind: 'answer'; readonly terminal: Terminal };

/** A request that a service has not answered. */
export interface UnansweredRequest {
  readonly exchange: Exchange;
  readonly target: { readonly rules: ForwardRules };
  /** All of the body that was taken from the client is still there. */
  readonly hasWholeBody: boolean;
}

export class Fallback {
  readonly to: FallbackPlace;
  readonly #when: ReadonlySet<FallbackReason>;

  constructor(to: FallbackPlace, when: readonly FallbackReason[]) {
    this.to = to;
    this.#when = new Set(when);
  }

  /** Whether it answers when nothing else follows an error. */
  answersAfter(error: GatewayError, unanswered: UnansweredRequest): boolean {
    if (!this.#covers(error)) return false;
    return this.to.kind === 'answer' || (unanswered.hasWholeBody && isUndone(error, unanswered));
  }

  /** Whether it answers in the place of an answer with this status. */
  answersInsteadOf(status: number, { hasWholeBody }: UnansweredRequest): boolean {
    return this.#when.has(status) && (this.to.kind === 'answer' || hasWholeBody);
  }

  /** Whether it answers when the request has had its time: nobody can be asked, but an answer of our own takes none. */
  answersAtOnce(error: GatewayError): boolean {
    return this.to.kind === 'answer' && this.#covers(error);
  }

  #covers(error: GatewayError): boolean {
    return error.kind.side === 'upstream' && this.#when.has(toReason(error));
  }
}

/** The request has done nothing yet, or may do it again. */
function isUndone({ kind }: GatewayError, { exchange, target }: UnansweredRequest): boolean {
  return kind.stage === 'connect' || kind.retry === 'always' || isRepeatable(exchange.request, target.rules.retry);
}

function toReason({ status }: GatewayError): FallbackReason {
  if (status === 503) return 'unavailable';
  return status === 504 ? 'timeout' : 'failure';
}

/** An answer of the gateway itself. Nobody else answers any more. */
export function answerInstead(exchange: Exchange, plan: RoutePlan, terminal: Terminal): void {
  // Whoever copies the request hears of it too: the rest of it goes nowhere.
  leaveSource(exchange);
  try {
    terminal.start(exchange, plan);
  } catch (thrown) {
    rescueThrown(exchange, thrown);
  }
}
