/**
 * What an exchange goes through, noted only where somebody watches it: a trace is taken of it, an operator taps it, or its client may
 * ask for its explanation. Times are monotonic.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';

export type JournalPhase = 'requestHead' | 'localAnswer' | 'upstreamRequest' | 'upstreamResponseHead' | 'responseHead';
/** `pass`: the next one's turn. */
export type PolicyDecision = 'pass' | 'refuse' | 'answer' | 'fail';

export interface PolicyStep {
  readonly policy: string;
  readonly phase: JournalPhase;
  readonly startedMs: number;
  /** 0: it has not ended yet. */
  endedMs: number;
  decision: PolicyDecision;
  /** It gave a promise. */
  hasWaited: boolean;
  /** Of a refusal. */
  code: string | undefined;
  /** Of an answer or a refusal. */
  status: number | undefined;
}

/** Others only change what is sent on, unless they fail. */
export function decides({ phase, decision }: PolicyStep): boolean {
  return phase === 'requestHead' || phase === 'localAnswer' || decision === 'fail';
}

/** First, `retry`, `hedge`, `fallback` or `repeat` on a fresh connection. */
export type AttemptCause = 'first' | 'retry' | 'hedge' | 'fallback' | 'repeat';

/**
 * `answered`: its answer is the one that counts. `unwanted`: there was an answer, and another one was looked for. `slower`: another
 * attempt was answered first. `left`: nobody waited for it any more.
 */
export type AttemptOutcomeName = 'answered' | 'unwanted' | 'slower' | 'failed' | 'left';

/** Why an endpoint was chosen, at the moment when it was. */
export interface ChoiceStep {
  /** `round-robin`, or `hash of header.x-user`. */
  readonly balance: string;
  readonly because: string;
  /** How many there are in all. */
  readonly endpointCount: number;
  /** Those that could not be chosen. */
  readonly leftOut: readonly LeftOutEndpoint[];
}

export interface LeftOutEndpoint {
  readonly endpoint: string;
  readonly because: string;
}

/** Why this endpoint was asked, and what became of it. What is not known yet is `undefined` or 0. */
export interface AttemptStep {
  readonly service: string;
  readonly endpoint: string;
  readonly cause: AttemptCause;
  readonly choice: ChoiceStep | undefined;
  readonly startedMs: number;
  /** When there was an open connection for it. */
  connectedMs: number;
  wasReused: boolean;
  /** When the head of its answer was there. */
  headMs: number;
  endedMs: number;
  outcome: AttemptOutcomeName | undefined;
  /** 0: no answer. */
  status: number;
  /** Of the error that it ended with. */
  code: string | undefined;
  detail: string | undefined;
}

export type AttemptBegin = Pick<AttemptStep, 'service' | 'endpoint' | 'cause' | 'choice' | 'startedMs'>;

export class ExchangeJournal {
  readonly clock: Clock;
  readonly policies: PolicyStep[] = [];
  readonly attempts: AttemptStep[] = [];
  /** What a policy or a terminal says of itself: by its name, in the order in which it was said. */
  readonly notes: (readonly [about: string, note: string])[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  note(about: string, note: string): void {
    if (this.notes.length < limits.journalEntriesMax) this.notes.push([about, note]);
  }

  /** A policy begins, or has decided. What is behind the limit is not kept: changes are made for each of hundreds of attempts. */
  addPolicy(step: PolicyStep): PolicyStep {
    if (this.policies.length < limits.journalEntriesMax) this.policies.push(step);
    return step;
  }

  /** The exchange is over, and with it everything that still runs for it. */
  end(nowMs: number): void {
    for (const step of this.policies) if (step.endedMs === 0) step.endedMs = nowMs;
    for (const step of this.attempts) if (step.endedMs === 0) step.endedMs = nowMs;
  }

  /** An attempt begins. */
  addAttempt(begin: AttemptBegin): AttemptStep {
    const step: AttemptStep = {
      ...begin,
      connectedMs: 0,
      wasReused: false,
      headMs: 0,
      endedMs: 0,
      outcome: undefined,
      status: 0,
      code: undefined,
      detail: undefined,
    };
    // An answer can be made of hundreds of calls.
    if (this.attempts.length < limits.journalEntriesMax) this.attempts.push(step);
    return step;
  }
}
