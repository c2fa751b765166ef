/** An aggregate for one request: calls begin when what they refer to is there, and the answer is composed when all have ended. */
import type { GatewayError } from '#base/errors.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import type { TimeLimit } from '#http/upstream-call.ts';
import { ExchangeVariables } from '#pipeline/expression/exchange-variables.ts';
import type { Expression } from '#pipeline/expression/expression.ts';
import type { Mapping } from '#pipeline/mapping/mapping.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import type { ServiceAnswer } from '#pipeline/service-call.ts';
import { getField } from '#wire/fields/field-list.ts';
import type { AggregateContext } from './aggregate-context.ts';
import type { CallRequest } from './call-request.ts';
import type { CallState } from './call-state.ts';
import type { CompiledAggregate, CompiledCall } from './compiled-aggregate.ts';
import { ComposedAnswer } from './composed-answer.ts';
import { EachCall } from './each-call.ts';
import { SingleCall } from './single-call.ts';

/** What conditions make is one word. */
const CONDITION_BYTES_MAX = 64 * 1024;

export class AggregateRun implements AnswerSource, AggregateContext {
  readonly exchange: Exchange;
  readonly aggregate: CompiledAggregate;
  isOver = false;
  readonly calls: readonly CallState[];
  readonly #plan: RoutePlan;
  readonly #requestBody: MappingValue | undefined;
  #startedMs = 0;
  #unsettled: number;
  #isComposing = false;
  #answer: ComposedAnswer | undefined = undefined;

  constructor(exchange: Exchange, plan: RoutePlan, aggregate: CompiledAggregate, requestBody: MappingValue | undefined) {
    this.exchange = exchange;
    this.aggregate = aggregate;
    this.#plan = plan;
    this.#requestBody = requestBody;
    this.calls = aggregate.calls.map((call) => (call.list === undefined ? new SingleCall(this, call) : new EachCall(this, call)));
    this.#unsettled = this.calls.length;
  }

  start(): void {
    const { exchange, calls } = this;
    exchange.source = this;
    exchange.calls = calls;
    this.#startedMs = this.nowMs();
    for (let i = 0; i < calls.length && !this.isOver; i++) {
      const call = calls[i]!;
      if (call.waitingFor === 0 && call.call.definition.after.length === 0) this.#begin(call);
    }
  }

  get partial(): readonly string[] | undefined {
    const names = this.calls.filter(({ isPartial }) => isPartial).map(({ name }) => name);
    return names.length === 0 ? undefined : names;
  }

  // For calls

  nowMs(): number {
    return this.aggregate.clock.monotonicMs();
  }

  holds(condition: Expression | Mapping): boolean {
    if (typeof condition === 'function') return condition(new ExchangeVariables(this.exchange, this.aggregate.clock)).isTrue;
    const result = condition.evaluate(this, CONDITION_BYTES_MAX);
    return 'value' in result && result.value?.text === 'true';
  }

  leftMs(): number {
    return this.aggregate.limit.ms - (this.nowMs() - this.#startedMs);
  }

  limitFor({ limit, definition }: CompiledCall): TimeLimit {
    const all = this.aggregate.limit;
    const leftMs = definition.after.length === 0 ? all.ms : this.leftMs();
    return leftMs < limit.ms ? { ms: leftMs, setting: all.setting } : limit;
  }

  shapeRequest({ definition: { service, method } }: CompiledCall, { target, fields }: CallRequest): readonly string[] {
    if (this.#plan.upstreamRequest === undefined) return fields;
    const { exchange } = this;
    const { authority } = exchange.request;
    const upstream = { service, purpose: 'route' as const, method, target, authority, fields };
    this.#plan.shapeUpstreamRequest(exchange, upstream);
    return upstream.fields;
  }

  hearAnswer({ definition: { service } }: CompiledCall, { status, fields }: ServiceAnswer): void {
    if (this.#plan.upstreamResponseHead === undefined) return;
    const { exchange } = this;
    exchange.serviceName = service;
    // A reply, since there is no head on its way to the client that could be replaced.
    const heard: Reply = { status, fields: [...fields], contentLengthBytes: undefined, body: undefined };
    this.#plan.shapeUpstreamResponse(exchange, heard);
    exchange.serviceName = undefined;
    if (exchange.error !== undefined) this.#giveUp(exchange.error);
  }

  isSkipped(name: string): boolean {
    return this.#find(name)?.outcome === 'skipped';
  }

  onCallSettled({ dependents }: CompiledCall): void {
    if (this.isOver) return;
    this.#unsettled -= 1;
    for (let i = 0; i < dependents.length; i++) {
      const next = this.calls[dependents[i]!]!;
      next.waitingFor -= 1;
      if (next.waitingFor === 0) this.#begin(next);
      if (this.isOver) return;
    }
    if (this.#unsettled === 0 && !this.#isComposing) this.#compose();
  }

  fail(error: GatewayError): void {
    if (!this.isOver) this.#giveUp(error);
  }

  passOn({ status, fields, body }: ServiceAnswer): void {
    this.#end();
    const type = getField(fields, 'content-type');
    const passed = type === undefined ? [] : ['content-type', type];
    this.exchange.source = undefined;
    this.exchange.sendReply({ status, fields: passed, contentLengthBytes: body.length, body });
  }

  // For mappings

  readJson(root: readonly string[]): MappingValue | undefined {
    return root[0] === 'body' ? this.#requestBody : this.#find(root[1]!)?.body;
  }

  readText(root: readonly string[]): string | number | undefined {
    const call = this.#find(root[1]!);
    if (call === undefined) return undefined;
    if (root[2] === 'status') return call.answerStatus ?? (call.status === 0 ? undefined : call.status);
    return call.fields === undefined ? undefined : getField(call.fields, root[3]!);
  }

  // From the client

  onRequestChunk(): void {
    // Nobody refers to the body, or it was read before.
  }

  onRequestFlush(): void {
    // As for pieces.
  }

  onRequestEnd(): void {
    // As for pieces.
  }

  onClientDrained(): void {
    this.#answer?.goOn();
  }

  onClientGone(): void {
    this.#end();
  }

  // Inside

  #begin(call: CallState): void {
    try {
      call.start();
    } catch (thrown) {
      this.#end();
      rescueThrown(this.exchange, thrown);
    }
  }

  #find(name: string): CallState | undefined {
    const index = this.aggregate.indexByName.get(name);
    return index === undefined ? undefined : this.calls[index];
  }

  #compose(): void {
    this.#isComposing = true;
    this.#answer = new ComposedAnswer(this);
    this.#answer.send();
  }

  #giveUp(error: GatewayError): void {
    this.#end();
    rescue(this.exchange, error);
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const call of this.calls) call.cancel();
  }
}
