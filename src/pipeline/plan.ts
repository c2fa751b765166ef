/** A route as it runs: its policies' phases, each kind in one list, and where the request ends. Compiled once per snapshot. */
import type { GatewayError } from '#base/errors.ts';
import type { Exchange, ExchangePlan, RouteLogging } from '#http/exchange.ts';
import type { PlanTally } from '#http/plan-tally.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { compileAnswerPath } from './answer-path.ts';
import { gatewayErrors } from './gateway-errors.ts';
import type { PhaseResult, PolicyPhases, QueryCredential } from './policy.ts';
import { replaceAnswer, rescueThrown, toFault } from './rescue.ts';
import { type ChangePhaseName, watchChange } from './watched-changes.ts';

/** Where a request ends: at a service, or at the gateway itself. */
export interface Terminal {
  /** Called once, when every policy has let the request pass. Answers now or later through the exchange. */
  start(exchange: Exchange, plan: RoutePlan): void;
  /** What the terminal adds to every answer. It stands nearest to the service: all policies meet the answer afterwards. */
  readonly responseHead?: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  /** Names of the services that it sends requests to. */
  readonly services?: readonly string[];
  /** Name of the service that it asks when they do not answer. */
  readonly standIn?: string | undefined;
}

const noServices: readonly string[] = Object.freeze([]);

/** What a route says of itself, besides what it does. */
export interface RouteTraits {
  readonly shedRank?: number;
  /** The path that its requests have, with captures; `undefined`: there are several, or any. */
  readonly pathPattern?: string | undefined;
  readonly logging?: RouteLogging | undefined;
}

export interface PlannedPolicy {
  readonly name: string;
  readonly phases: PolicyPhases;
  readonly answersPreflights?: boolean | undefined;
}

/** `requestHead` and `localAnswer` look the same to whoever runs them. */
export type HeadPhase = (exchange: Exchange) => PhaseResult | Promise<PhaseResult>;
type PhaseName = Exclude<keyof PolicyPhases, 'queryCredentials'>;
type Phase<Name extends PhaseName> = NonNullable<PolicyPhases[Name]>;

/** A phase that decides nothing, and changes what is sent on. */
interface NamedPhase<Name extends ChangePhaseName> {
  readonly policy: string;
  readonly phase: Name;
  readonly run: Phase<Name>;
}

/** The rank of a route whose requests are served however much a thread has to do. Lower ones are refused sooner. */
export const NEVER_SHED = 3;

/**
 * All lists are in execution order; a list without entries is `undefined`, so that skipping it costs one comparison. What
 * a policy throws ends its exchange and goes no further: these functions are called from the middle of sockets' events.
 */
export class RoutePlan implements ExchangePlan {
  /** `undefined`: the request has no route. */
  readonly routeName: string | undefined;
  readonly terminal: Terminal;
  readonly services: readonly string[];
  readonly standIn: string | undefined;
  readonly policies: readonly PlannedPolicy[];
  /** Every `requestHead`, then every `localAnswer`. */
  readonly headPhases: readonly HeadPhase[] | undefined;
  readonly upstreamRequest: readonly NamedPhase<'upstreamRequest'>[] | undefined;
  readonly upstreamResponseHead: readonly NamedPhase<'upstreamResponseHead'>[] | undefined;
  readonly shapeResponseHead: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  readonly passAnswer: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  readonly watchRequestChunk: ((exchange: Exchange, view: Buffer) => GatewayError | undefined) | undefined;
  readonly onFinish: ((exchange: Exchange) => void) | undefined;
  readonly answersPreflights: boolean;
  readonly queryCredentials: readonly QueryCredential[] | undefined;
  /** How soon its requests are refused when a thread has too much to do: up to `NEVER_SHED`. */
  readonly shedRank: number;
  readonly pathPattern: string | undefined;
  readonly logging: RouteLogging | undefined;
  tally: PlanTally | undefined = undefined;

  constructor(
    routeName: string | undefined,
    policies: readonly PlannedPolicy[],
    terminal: Terminal,
    { shedRank = NEVER_SHED, pathPattern, logging }: RouteTraits = {},
  ) {
    this.routeName = routeName;
    this.shedRank = shedRank;
    this.pathPattern = pathPattern;
    this.logging = logging;
    this.terminal = terminal;
    this.services = terminal.services ?? noServices;
    this.standIn = terminal.standIn;
    this.policies = policies;
    this.headPhases = joinPhases<HeadPhase>(collect(policies, 'requestHead'), collect(policies, 'localAnswer'));
    this.upstreamRequest = collectNamed(policies, 'upstreamRequest');
    this.upstreamResponseHead = collectNamed(policies, 'upstreamResponseHead');
    // An answer meets the policies in reverse, so that the first to see the request is the last to see the answer.
    // What a destination adds is shown under the name of the setting.
    const reversed = [...policies, { name: 'to', phases: toPhases(terminal) }].toReversed();
    const responseHead = collectNamed(reversed, 'responseHead');
    this.shapeResponseHead = responseHead && ((exchange, response) => shapeHead(responseHead, exchange, response));
    this.passAnswer = compileAnswerPath(reversed);
    const requestChunk = collect(policies, 'requestChunk');
    this.watchRequestChunk = requestChunk && ((exchange, view) => watchChunk(requestChunk, exchange, view));
    const finish = collect(policies, 'finish');
    const queryCredentials = policies.flatMap(({ phases }) => phases.queryCredentials ?? []);
    this.queryCredentials = queryCredentials.length === 0 ? undefined : queryCredentials;
    this.answersPreflights = policies.some(({ answersPreflights }) => answersPreflights);
    this.onFinish = finish && ((exchange) => finishAll(finish, exchange));
  }

  /** Afterwards the exchange may be over: then nothing has to be sent. */
  shapeUpstreamRequest(exchange: Exchange, request: UpstreamRequest): void {
    if (this.upstreamRequest === undefined) return;
    try {
      for (const { policy, phase, run } of this.upstreamRequest) {
        if (exchange.journal === undefined) run(exchange, request);
        else watchChange(exchange.journal, { policy, phase }, () => run(exchange, request));
      }
    } catch (thrown) {
      rescueThrown(exchange, thrown);
    }
  }

  shapeUpstreamResponse(exchange: Exchange, response: ResponseHead): void {
    if (this.upstreamResponseHead !== undefined) shapeHead(this.upstreamResponseHead, exchange, response);
  }
}

function toPhases({ responseHead }: Terminal): PolicyPhases {
  return responseHead === undefined ? {} : { responseHead };
}

function collect<Name extends PhaseName>(policies: readonly PlannedPolicy[], name: Name): Phase<Name>[] | undefined {
  const found: Phase<Name>[] = [];
  for (const { phases } of policies) {
    const phase = phases[name];
    if (phase !== undefined) found.push(phase.bind(phases) as Phase<Name>);
  }
  return found.length === 0 ? undefined : found;
}

function collectNamed<Name extends ChangePhaseName>(
  policies: readonly PlannedPolicy[],
  phase: Name,
): NamedPhase<Name>[] | undefined {
  const found = policies.flatMap(({ name: policy, phases }): NamedPhase<Name>[] => {
    const run = phases[phase];
    return run === undefined ? [] : [{ policy, phase, run: run.bind(phases) as Phase<Name> }];
  });
  return found.length === 0 ? undefined : found;
}

function joinPhases<AnyPhase>(
  first: readonly AnyPhase[] | undefined,
  second: readonly AnyPhase[] | undefined,
): readonly AnyPhase[] | undefined {
  return first === undefined ? second : second === undefined ? first : [...first, ...second];
}

function shapeHead(
  phases: readonly NamedPhase<'responseHead' | 'upstreamResponseHead'>[],
  exchange: Exchange,
  response: ResponseHead,
): void {
  try {
    for (const { policy, phase, run } of phases) {
      if (exchange.journal === undefined) run(exchange, response);
      else watchChange(exchange.journal, { policy, phase }, () => run(exchange, response));
    }
  } catch (thrown) {
    replaceAnswer(exchange, response, thrown);
  }
}

function watchChunk(phases: readonly Phase<'requestChunk'>[], exchange: Exchange, view: Buffer): GatewayError | undefined {
  try {
    for (const phase of phases) {
      const refusal = phase(exchange, view);
      if (refusal !== undefined) return refusal;
    }
  } catch (thrown) {
    return toFault(thrown);
  }
  return undefined;
}

/** One policy that fails here keeps none of the others from its word. */
function finishAll(phases: readonly Phase<'finish'>[], exchange: Exchange): void {
  for (const phase of phases) {
    try {
      phase(exchange);
    } catch (thrown) {
      exchange.error = gatewayErrors.internal({ reason: 'a policy failed at the end of the exchange' }, { cause: thrown });
    }
  }
}
