/** A route as it runs: its policies' phases, each kind in one list, and where the request ends. Compiled once per snapshot. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange, ExchangePlan } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { PolicyPhases } from './policy.ts';

/** Where a request ends: at a service, or at the gateway itself. */
export interface Terminal {
  /** Called once, when every policy has let the request pass. Answers now or later through the exchange. */
  start(exchange: Exchange, plan: RoutePlan): void;
}

export interface PlannedPolicy {
  readonly name: string;
  readonly phases: PolicyPhases;
}

type Phase<Name extends keyof PolicyPhases> = NonNullable<PolicyPhases[Name]>;

/** All lists are in execution order; a list without entries is `undefined`, so that skipping it costs one comparison. */
export class RoutePlan implements ExchangePlan {
  readonly routeName: string;
  readonly terminal: Terminal;
  readonly policies: readonly PlannedPolicy[];
  readonly requestHead: readonly Phase<'requestHead'>[] | undefined;
  readonly localAnswer: readonly Phase<'localAnswer'>[] | undefined;
  readonly upstreamRequest: readonly Phase<'upstreamRequest'>[] | undefined;
  readonly upstreamResponseHead: readonly Phase<'upstreamResponseHead'>[] | undefined;
  readonly shapeResponseHead: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  readonly shapeResponseChunk: ((exchange: Exchange, view: Buffer) => Buffer | GatewayError) | undefined;
  readonly shapeRequestChunk: ((exchange: Exchange, view: Buffer) => Buffer | GatewayError) | undefined;
  readonly onFinish: ((exchange: Exchange) => void) | undefined;

  constructor(routeName: string, policies: readonly PlannedPolicy[], terminal: Terminal) {
    this.routeName = routeName;
    this.terminal = terminal;
    this.policies = policies;
    this.requestHead = collect(policies, 'requestHead');
    this.localAnswer = collect(policies, 'localAnswer');
    this.upstreamRequest = collect(policies, 'upstreamRequest');
    this.upstreamResponseHead = collect(policies, 'upstreamResponseHead');
    // An answer meets the policies in reverse, so that the first to see the request is the last to see the answer.
    const responseHead = collect(policies, 'responseHead')?.toReversed();
    this.shapeResponseHead = responseHead && ((exchange, response) => runAll(responseHead, exchange, response));
    const responseChunk = collect(policies, 'responseChunk')?.toReversed();
    this.shapeResponseChunk = responseChunk && ((exchange, view) => shapeChunk(responseChunk, exchange, view));
    const requestChunk = collect(policies, 'requestChunk');
    this.shapeRequestChunk = requestChunk && ((exchange, view) => shapeChunk(requestChunk, exchange, view));
    const finish = collect(policies, 'finish');
    this.onFinish = finish && ((exchange) => runAll(finish, exchange, undefined));
  }

  shapeUpstreamRequest(exchange: Exchange, request: UpstreamRequest): void {
    if (this.upstreamRequest !== undefined) runAll(this.upstreamRequest, exchange, request);
  }

  shapeUpstreamResponse(exchange: Exchange, response: ResponseHead): void {
    if (this.upstreamResponseHead !== undefined) runAll(this.upstreamResponseHead, exchange, response);
  }
}

function collect<Name extends keyof PolicyPhases>(policies: readonly PlannedPolicy[], name: Name): Phase<Name>[] | undefined {
  const found: Phase<Name>[] = [];
  for (const { phases } of policies) {
    const phase = phases[name];
    if (phase !== undefined) found.push(phase.bind(phases) as Phase<Name>);
  }
  return found.length === 0 ? undefined : found;
}

function runAll<Subject>(
  phases: readonly ((exchange: Exchange, subject: Subject) => void)[],
  exchange: Exchange,
  subject: Subject,
): void {
  for (const phase of phases) phase(exchange, subject);
}

function shapeChunk(phases: readonly Phase<'requestChunk'>[], exchange: Exchange, view: Buffer): Buffer | GatewayError {
  let shaped = view;
  for (const phase of phases) {
    const result = phase(exchange, shaped);
    if (result instanceof GatewayError) return result;
    if (result !== undefined) shaped = result;
  }
  return shaped;
}
