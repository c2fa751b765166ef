/** One call of an aggregate for one request: from what it waits for to what others find of it. It is its own record in the log. */
import type { GatewayError } from '#base/errors.ts';
import type { CallOutcome, CallRecord } from '#http/exchange.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { AggregateContext } from './aggregate-context.ts';
import type { CompiledCall } from './compiled-aggregate.ts';
import type { KeptAnswer } from './kept-answers.ts';

export abstract class CallState implements CallRecord {
  readonly call: CompiledCall;
  /** Calls that it still waits for. */
  waitingFor: number;
  endpoint: string | undefined = undefined;
  status = 0;
  startedMs = 0;
  durationMs = 0;
  bytes = 0;
  outcome: CallOutcome = 'cancelled';
  code: string | undefined = undefined;
  attempts = 0;
  count = 1;
  /** The body of its answer, or what stands in for it. */
  body: MappingValue | undefined = undefined;
  /** Those of the answer that counts: of the last good one, where it has failed. */
  answerStatus: number | undefined = undefined;
  fields: readonly string[] | undefined = undefined;
  protected readonly run: AggregateContext;

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
    if (this.#isWanted()) this.begin();
    else this.settle('skipped');
  }

  /** Nobody waits for it any more. */
  abstract cancel(): void;
  protected abstract begin(): void;

  protected settle(outcome: CallOutcome): void {
    this.outcome = outcome;
    this.durationMs = this.run.nowMs() - this.startedMs;
    this.run.onCallSettled(this.call);
  }

  /** It has not brought what was asked for. The answer is partial, or there is none. */
  protected fail(error: GatewayError, lastGood?: KeptAnswer): void {
    const { optional } = this.call.definition;
    this.code = error.code;
    if (optional === undefined) {
      this.outcome = 'failed';
      this.durationMs = this.run.nowMs() - this.startedMs;
      return this.run.fail(error);
    }
    if (lastGood === undefined) this.body = this.call.standIn;
    else this.adopt(lastGood);
    this.run.markPartial(this.name);
    this.settle(lastGood === undefined ? 'fallback' : 'last-good');
  }

  protected adopt(answer: KeptAnswer | undefined): void {
    this.body = answer?.document?.root;
    this.fields = answer?.fields;
    this.answerStatus = answer?.status;
  }

  #isWanted(): boolean {
    const { condition } = this.call;
    return condition === undefined || this.run.holds(condition);
  }
}
