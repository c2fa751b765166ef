/** What the parts of one aggregate's run know of the whole. */
import type { GatewayError } from '#base/errors.ts';
import type { CallOutcome } from '#http/exchange.ts';
import type { TimeLimit } from '#http/upstream-call.ts';
import type { Expression } from '#pipeline/expression/expression.ts';
import type { Mapping } from '#pipeline/mapping/mapping.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { ServiceAnswer } from '#pipeline/service-call.ts';
import type { CallRequest } from './call-request.ts';
import type { CompiledAggregate, CompiledCall } from './compiled-aggregate.ts';

/** What has become of a call. */
export interface CallResult {
  readonly name: string;
  readonly outcome: CallOutcome;
  /** Of the answer that came; 0: there was none. */
  readonly status: number;
  /** Those of the answer that counts: of the last good one, where it has failed. */
  readonly answerStatus: number | undefined;
  readonly fields: readonly string[] | undefined;
  /** The body, or what stands in for it. */
  readonly body: MappingValue | undefined;
}

/** References to answers of calls are read in it. */
export interface AggregateContext extends MappingScope {
  readonly aggregate: CompiledAggregate;
  /** Nobody waits for anything any more. */
  readonly isOver: boolean;
  /** Names of the calls without a good answer of their own. */
  readonly partial: readonly string[] | undefined;
  readonly calls: readonly CallResult[];
  nowMs(): number;
  holds(condition: Expression | Mapping): boolean;
  /** What is left of the time for all. */
  leftMs(): number;
  /** How long a call may still take: its own time, or what is left of the time for all. */
  limitFor(call: CompiledCall): TimeLimit;
  /** What policies of the route add to requests for services. Where a call goes is for the aggregate alone to say. */
  shapeRequest(call: CompiledCall, request: CallRequest): readonly string[];
  /** Policies hear of answers of services: one may have refused a credential. */
  hearAnswer(call: CompiledCall, answer: ServiceAnswer): void;
  isSkipped(name: string): boolean;
  onCallSettled(call: CompiledCall): void;
  /** A call that must not fail has failed. */
  fail(error: GatewayError): void;
  /** The client gets the answer of a service. */
  passOn(answer: ServiceAnswer): void;
}
