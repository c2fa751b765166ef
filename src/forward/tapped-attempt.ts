import type { Exchange } from '#http/exchange.ts';
import { tapAttempt } from '#http/exchange-tap.ts';
import type { AnswerEvents, AttemptHead } from '#http/upstream-call.ts';
import type { Attempt } from './attempt.ts';

/** Who is told what comes of an attempt: the attempt itself, by way of who taps the exchange that it is made for. */
export function tapped(attempt: Attempt, head: AttemptHead, exchange: Exchange): AnswerEvents {
  if (exchange.tap === undefined) return attempt;
  const { service, endpoint } = attempt;
  return tapAttempt(exchange, { service: service.definition.name, endpoint: endpoint.url }, head, attempt);
}
