/** Policies that change what is sent on, or the head of an answer, for an exchange that is watched: each notes how long that takes. */
import type { Exchange } from '#http/exchange.ts';
import type { JournalPhase, PolicyDecision } from '#http/exchange-journal.ts';

export type ChangePhaseName = Exclude<JournalPhase, 'requestHead' | 'localAnswer'>;

/** What the change throws is noted too, and goes on. */
export function watchChange({ journal }: Exchange, policy: string, phase: ChangePhaseName, change: () => void): void {
  if (journal === undefined) return change();
  const startedMs = journal.clock.monotonicMs();
  const note = (decision: PolicyDecision) =>
    journal.policies.push({
      policy,
      phase,
      startedMs,
      endedMs: journal.clock.monotonicMs(),
      decision,
      hasWaited: false,
      code: undefined,
      status: undefined,
    });
  try {
    change();
  } catch (thrown) {
    note('fail');
    throw thrown;
  }
  note('pass');
}
