import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan } from './plan.ts';
import type { PhaseResult } from './policy.ts';
import { rescue, rescueThrown } from './rescue.ts';

type HeadPhase = (exchange: Exchange) => PhaseResult | Promise<PhaseResult>;

/** Takes a matched request through its route's policies to its terminal. Nothing thrown on the way leaves this function. */
export function runPlan(exchange: Exchange, plan: RoutePlan): void {
  exchange.plan = plan;
  try {
    if (plan.requestHead !== undefined || plan.localAnswer !== undefined) runHeadPhases(exchange, plan);
    else plan.terminal.start(exchange, plan);
  } catch (thrown) {
    rescueThrown(exchange, thrown);
  }
}

function runHeadPhases(exchange: Exchange, plan: RoutePlan): void {
  const phases: readonly HeadPhase[] = [...(plan.requestHead ?? []), ...(plan.localAnswer ?? [])];
  for (let i = 0; i < phases.length; i++) {
    const result = phases[i]!(exchange);
    if (result instanceof Promise) {
      continueLater(exchange, plan, { phases: phases.slice(i + 1), first: result }).catch((thrown) =>
        rescueThrown(exchange, thrown),
      );
      return;
    }
    if (result !== undefined) return settle(exchange, result);
  }
  plan.terminal.start(exchange, plan);
}

/** Some policies wait, for a key or another service's word; only then is there a promise. */
async function continueLater(
  exchange: Exchange,
  plan: RoutePlan,
  rest: { phases: readonly HeadPhase[]; first: Promise<PhaseResult> },
): Promise<void> {
  let result = await rest.first;
  for (const phase of rest.phases) {
    if (exchange.isFinished) return;
    if (result !== undefined) return settle(exchange, result);
    result = await phase(exchange);
  }
  if (exchange.isFinished) return;
  if (result !== undefined) return settle(exchange, result);
  plan.terminal.start(exchange, plan);
}

function settle(exchange: Exchange, result: Exclude<PhaseResult, undefined>): void {
  if (result instanceof GatewayError) rescue(exchange, result);
  else exchange.sendReply(result);
}
