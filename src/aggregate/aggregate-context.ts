/** What the parts of one aggregate's run know of the whole. */
import type { GatewayError } from '#base/errors.ts';
import type { TimeLimit } from '#http/upstream-call.ts';
import type { Expression } from '#pipeline/expression/expression.ts';
import type { Mapping } from '#pipeline/mapping/mapping.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { ServiceAnswer } from '#pipeline/service-call.ts';
import type { CallRequest } from './call-request.ts';
import type { CompiledAggregate, CompiledCall } from './compiled-aggregate.ts';

/** References to answers of calls are read in it. */
export interface AggregateContext extends MappingScope {
  readonly aggregate: CompiledAggregate;
  /** Nobody waits for anything any more. */
  readonly isOver: boolean;
  /** Names of the calls without a good answer of their own. */
  readonly partial: readonly string[] | undefined;
  nowMs(): number;
  holds(condition: Expression | Mapping): boolean;
  /** How long a call may still take: its own time, or what is left of the time for all. */
  limitFor(call: CompiledCall): TimeLimit;
  /** What policies of the route add to requests for services. Where a call goes is for the aggregate alone to say. */
  shapeRequest(call: CompiledCall, request: CallRequest): readonly string[];
  /** Policies hear of answers of services: one may have refused a credential. */
  hearAnswer(call: CompiledCall, answer: ServiceAnswer): void;
  isSkipped(name: string): boolean;
  markPartial(name: string): void;
  onCallSettled(call: CompiledCall): void;
  /** A call that must not fail has failed. */
  fail(error: GatewayError): void;
  /** The client gets the answer of a service. */
  passOn(answer: ServiceAnswer): void;
}
