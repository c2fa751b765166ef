/** One call of an aggregate for one request: from what it waits for to what others find of it. It is its own record in the log. */
import type { GatewayError } from '#base/errors.ts';
import type { CallOutcome, CallRecord } from '#http/exchange.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { AggregateContext, CallResult } from './aggregate-context.ts';
import type { CompiledCall } from './compiled-aggregate.ts';
import type { KeptAnswer } from './kept-answers.ts';

export abstract class CallState implements CallRecord, CallResult {
  readonly call: CompiledCall;
  /** Calls that it still waits for. */
  waitingFor: number;
  endpoint: string | undefined = undefined;
  status = 0;
  startedMs = 0;
  spanId: string | undefined = undefined;
  durationMs = 0;
  bytes = 0;
  outcome: CallOutcome = 'cancelled';
  code: string | undefined = undefined;
  attempts = 0;
  count = 1;
  /** Its answer, or a part of it, is missing or stands in for another one. */
  isPartial = false;
  /** The body of its answer, or what stands in for it. */
  body: MappingValue | undefined = undefined;
  /** Those of the answer that counts: of the last good one, where it has failed. */
  answerStatus: number | undefined = undefined;
  fields: readonly string[] | undefined = undefined;
  protected readonly run: AggregateContext;
  #isRunning = false;

  constructor(run: AggregateContext, call: CompiledCall) {
    this.run = run;
    this.call = call;
    this.waitingFor = call.definition.after.length;
  }

  get name(): string {
    return this.call.definition.name;
  }

  get service(): string {
    return this.call.definition.service;
  }

  /** What it waits for is there. */
  start(): void {
    this.startedMs = this.run.nowMs();
    const { trace } = this.run.exchange;
    if (trace?.isSampled === true) this.spanId = trace.nextSpanId();
    this.#isRunning = true;
    if (this.#isWanted()) this.begin();
    else this.settle('skipped');
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (!this.#isRunning) return;
    this.breakOff();
    this.#end('cancelled');
  }

  protected abstract begin(): void;
  protected abstract breakOff(): void;

  protected settle(outcome: CallOutcome): void {
    this.#end(outcome);
    this.run.onCallSettled(this.call);
  }

  /** It has not brought what was asked for. The answer is partial, or there is none. */
  protected fail(error: GatewayError, lastGood?: KeptAnswer): void {
    const { optional } = this.call.definition;
    this.code = error.code;
    if (optional === undefined) {
      this.#end('failed');
      return this.run.fail(error);
    }
    if (lastGood === undefined) this.body = this.call.standIn;
    else this.adopt(lastGood);
    this.isPartial = true;
    this.settle(lastGood === undefined ? 'fallback' : 'last-good');
  }

  /** Nothing else of the aggregate matters any more. */
  protected pass(answer: KeptAnswer): void {
    this.#end('ok');
    this.run.passOn(answer);
  }

  protected adopt(answer: KeptAnswer | undefined): void {
    this.body = answer?.document?.root;
    this.fields = answer?.fields;
    this.answerStatus = answer?.status;
  }

  #end(outcome: CallOutcome): void {
    this.#isRunning = false;
    this.outcome = outcome;
    this.durationMs = this.run.nowMs() - this.startedMs;
    this.call.counter?.count(outcome, this.durationMs, this.bytes);
  }

  #isWanted(): boolean {
    const { condition } = this.call;
    return condition === undefined || this.run.holds(condition);
  }
}
