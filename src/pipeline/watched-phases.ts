/** The policies of a route as they run for an exchange that is watched: each notes what it decides and how long it takes. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ExchangeJournal, JournalPhase, PolicyStep } from '#http/exchange-journal.ts';
import type { HeadPhase, PlannedPolicy, RoutePlan } from './plan.ts';
import type { PhaseResult } from './policy.ts';

const headPhaseNames = ['requestHead', 'localAnswer'] as const;
type HeadPhaseName = (typeof headPhaseNames)[number];

/** In the order of execution. */
export function toWatchedPhases(journal: ExchangeJournal, { policies }: RoutePlan): HeadPhase[] {
  return headPhaseNames.flatMap((name) =>
    policies.flatMap((policy) => {
      const phase = policy.phases[name];
      return phase === undefined ? [] : [watch(journal, policy, name)];
    }),
  );
}

function watch(journal: ExchangeJournal, { name, phases }: PlannedPolicy, phase: HeadPhaseName): HeadPhase {
  return (exchange) => {
    const startedMs = journal.clock.monotonicMs();
    const step = journal.addPolicy({
      policy: name,
      phase: phase satisfies JournalPhase,
      startedMs,
      endedMs: 0,
      hasWaited: false,
      ...unsettled,
    });
    const end = (outcome: Outcome) => Object.assign(step, outcome, { endedMs: journal.clock.monotonicMs() });
    try {
      const result = phases[phase]!(exchange);
      if (!(result instanceof Promise)) {
        end(toOutcome(result, exchange));
        return result;
      }
      step.hasWaited = true;
      return result.then(
        (settled) => {
          end(toOutcome(settled, exchange));
          return settled;
        },
        (thrown: unknown) => {
          end(failed);
          throw thrown;
        },
      );
    } catch (thrown) {
      end(failed);
      throw thrown;
    }
  };
}

type Outcome = Pick<PolicyStep, 'decision' | 'code' | 'status'>;
const passed: Outcome = { decision: 'pass', code: undefined, status: undefined };
/** One that is still busy when the exchange is over has answered it. */
const unsettled: Outcome = { decision: 'answer', code: undefined, status: undefined };
const failed: Outcome = { decision: 'fail', code: undefined, status: undefined };

function toOutcome(result: PhaseResult, { isDecided }: Exchange): Outcome {
  if (result instanceof GatewayError) return { decision: 'refuse', code: result.code, status: result.status };
  if (result !== undefined) return { decision: 'answer', code: undefined, status: result.status };
  // It has answered by itself, with a stream.
  return isDecided ? { ...passed, decision: 'answer' } : passed;
}
