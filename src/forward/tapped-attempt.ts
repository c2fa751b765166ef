import type { Exchange } from '#http/exchange.ts';
import type { AnswerEvents, AttemptHead } from '#http/upstream-call.ts';
import type { Attempt } from './attempt.ts';

/** Who is told what comes of an attempt: the attempt itself, by way of who taps the exchange that it is made for. */
export function tapped(attempt: Attempt, head: AttemptHead, { tap }: Exchange): AnswerEvents {
  if (tap === undefined) return attempt;
  return tap.tapAttempt({ service: attempt.service.definition.name, endpoint: attempt.endpoint.url }, head, attempt);
}
