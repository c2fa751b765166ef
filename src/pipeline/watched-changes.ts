/** Policies that change what is sent on, or the head of an answer, for an exchange that is watched: each notes how long that takes. */
import type { ExchangeJournal, JournalPhase, PolicyDecision, PolicyStep } from '#http/exchange-journal.ts';

export type ChangePhaseName = Exclude<JournalPhase, 'requestHead' | 'localAnswer'>;

type Change = Pick<PolicyStep, 'policy'> & { readonly phase: ChangePhaseName };

/** What `run` throws is noted too, and goes on. */
export function watchChange(journal: ExchangeJournal, change: Change, run: () => void): void {
  const startedMs = journal.clock.monotonicMs();
  const note = (decision: PolicyDecision) =>
    journal.addPolicy({
      ...change,
      startedMs,
      endedMs: journal.clock.monotonicMs(),
      decision,
      hasWaited: false,
      code: undefined,
      status: undefined,
    });
  try {
    run();
  } catch (thrown) {
    note('fail');
    throw thrown;
  }
  note('pass');
}
