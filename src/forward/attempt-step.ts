/** What a watched exchange notes of its attempts. */
import type { AttemptCause, AttemptStep, ExchangeJournal } from '#http/exchange-journal.ts';
import type { AttemptOutcome } from '#services/attempt-outcome.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';

/** Who watches, and why the attempt is made. */
export interface AttemptWatch {
  readonly journal: ExchangeJournal;
  readonly cause: AttemptCause;
  readonly subject: PickSubject;
  /** Endpoints that were asked before. */
  readonly tried: readonly Endpoint[] | undefined;
}

interface WatchedAttempt extends AttemptOutcome {
  readonly service: Service;
  readonly wasReused: boolean;
  /** How its answer would be named in a log. */
  readonly said: string | number;
}

export function beginStep({ journal, cause, subject, tried }: AttemptWatch, attempt: WatchedAttempt): AttemptStep {
  const { service, endpoint, startedMs } = attempt;
  const choice = service.explainPick(endpoint, subject, tried);
  return journal.addAttempt({ service: service.definition.name, endpoint: endpoint.url, cause, choice, startedMs });
}

export function noteHead(step: AttemptStep, { headMs, status }: WatchedAttempt): void {
  step.headMs = headMs;
  step.status = status;
}

export function endStep(step: AttemptStep, attempt: WatchedAttempt): void {
  const { endedMs, error, isCancelled, wasReused, said } = attempt;
  step.endedMs = endedMs;
  step.wasReused = wasReused;
  step.code = error?.code;
  step.outcome ??= error !== undefined ? 'failed' : isCancelled ? 'left' : 'answered';
  if (error?.detail !== undefined) step.detail = JSON.stringify(error.detail);
  // How a call of gRPC has ended.
  else if (typeof said === 'string') step.detail = said;
}
