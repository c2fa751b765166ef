import { assert } from '#base/assert.ts';
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { type HeadPhase, RoutePlan } from './plan.ts';
import type { PhaseResult } from './policy.ts';
import { rescue, rescueThrown } from './rescue.ts';
import { hideQueryCredentials } from './shown-credential.ts';
import { toWatchedPhases } from './watched-phases.ts';

/** Takes a matched request through its route's policies to its terminal. Nothing thrown on the way leaves this function. */
export function runPlan(exchange: Exchange, plan: RoutePlan): void {
  exchange.plan = plan;
  if (plan.queryCredentials !== undefined) hideQueryCredentials(exchange, plan.queryCredentials);
  try {
    if (plan.headPhases === undefined) plan.terminal.start(exchange, plan);
    else if (exchange.journal !== undefined) runHeadPhases(exchange, plan, toWatchedPhases(exchange.journal, plan));
    else runHeadPhases(exchange, plan, plan.headPhases);
  } catch (thrown) {
    rescueThrown(exchange, thrown);
  }
}

function runHeadPhases(exchange: Exchange, plan: RoutePlan, phases: readonly HeadPhase[]): void {
  for (let i = 0; i < phases.length; i++) {
    const result = phases[i]!(exchange);
    if (result === undefined) continue;
    if (!(result instanceof Promise)) return settle(exchange, result);
    continueLater(exchange, plan, { result, rest: phases.slice(i + 1) }).catch((thrown) => rescueThrown(exchange, thrown));
    return;
  }
  plan.terminal.start(exchange, plan);
}

/** Some policies wait, for a key or another service's word; only then is there a promise. */
async function continueLater(
  exchange: Exchange,
  plan: RoutePlan,
  { result, rest }: { result: Promise<PhaseResult>; rest: readonly HeadPhase[] },
): Promise<void> {
  let settled = await result;
  for (const phase of rest) {
    if (exchange.isDecided) return;
    if (settled !== undefined) return settle(exchange, settled);
    settled = await phase(exchange);
  }
  // The client may have gone while a policy waited, or its body may have stopped arriving.
  if (exchange.isDecided) return;
  if (settled !== undefined) return settle(exchange, settled);
  plan.terminal.start(exchange, plan);
}

/** Takes an exchange that was derived from `asking` to where that one's route ends, past all policies that answer. */
export function runTerminal(derived: Exchange, asking: Exchange): void {
  const { plan } = asking;
  try {
    assert(plan instanceof RoutePlan, 'a policy belongs to a route');
    plan.terminal.start(derived, plan);
  } catch (thrown) {
    rescueThrown(derived, thrown);
  }
}

function settle(exchange: Exchange, result: Exclude<PhaseResult, undefined>): void {
  if (result instanceof GatewayError) rescue(exchange, result);
  // A copy, because answers are changed on their way and a policy may keep one reply for all.
  else exchange.sendReply(result.isForOne === true ? result : { ...result, fields: [...result.fields] });
}
