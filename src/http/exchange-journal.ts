/**
 * What an exchange goes through, noted only where somebody watches it: a trace is taken of it, an operator taps it, or its client may
 * ask for its explanation. Times are monotonic.
 */
import type { Clock } from '#base/clock.ts';

export type JournalPhase = 'requestHead' | 'localAnswer' | 'upstreamRequest' | 'upstreamResponseHead' | 'responseHead';
/** `pass`: the next one's turn. */
export type PolicyDecision = 'pass' | 'refuse' | 'answer' | 'fail';

export interface PolicyStep {
  readonly policy: string;
  readonly phase: JournalPhase;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly decision: PolicyDecision;
  /** It gave a promise. */
  readonly hasWaited: boolean;
  /** Of a refusal. */
  readonly code: string | undefined;
  /** Of an answer or a refusal. */
  readonly status: number | undefined;
}

/** Why this endpoint was asked, and what became of it. What is not known yet is `undefined` or 0. */
export interface AttemptStep {
  readonly service: string;
  readonly endpoint: string;
  /** First, `retry`, `hedge`, `fallback` or `repeat` on a fresh connection. */
  readonly cause: 'first' | 'retry' | 'hedge' | 'fallback' | 'repeat';
  readonly startedMs: number;
  /** When there was a connection for it. */
  connectedMs: number;
  wasReused: boolean;
  /** When the head of its answer was there. */
  headMs: number;
  endedMs: number;
  /** 0: no answer. */
  status: number;
  /** Of the error that it ended with. */
  code: string | undefined;
  detail: string | undefined;
}

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
    this.notes.push([about, note]);
  }
}
