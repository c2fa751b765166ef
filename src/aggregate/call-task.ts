/** One request of a call: made of what is there, sent unless an answer to the same is kept, and its answer looked at. */
import { hash } from 'node:crypto';
import { GatewayError } from '#base/errors.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { ServiceAnswer, ServiceCallOwner, StartedServiceCall } from '#pipeline/service-call.ts';
import { JsonDocument, readJson } from '#wire/json/json-document.ts';
import type { AggregateContext } from './aggregate-context.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { type CallRequest, toCallRequest } from './call-request.ts';
import type { CompiledCall } from './compiled-aggregate.ts';
import type { KeptAnswer } from './kept-answers.ts';

export interface TaskOwner {
  /** Of the span of its call, where a trace is taken. */
  readonly spanId: string | undefined;
  /** Once, unless it is cancelled before. */
  onTaskEnded(task: CallTask): void;
}

/** `skipped`: a value that it needs belongs to a call that was not to be made. `passed`: the client is to get the answer. */
type TaskResult = 'ok' | 'cached' | 'skipped' | 'failed' | 'passed';

export class CallTask implements ServiceCallOwner {
  result: TaskResult | undefined = undefined;
  /** Why it has failed. */
  error: GatewayError | undefined = undefined;
  answer: KeptAnswer | undefined = undefined;
  /** Given instead, where it has failed. */
  lastGood: KeptAnswer | undefined = undefined;
  /** Of the answer that came, whether it is good or not. */
  status = 0;
  bytes = 0;
  endpoint: string | undefined = undefined;
  attempts = 0;
  readonly #run: AggregateContext;
  readonly #call: CompiledCall;
  readonly #scope: MappingScope;
  readonly #owner: TaskOwner;
  /** By which its answer is kept. */
  #key = '';
  #started: StartedServiceCall | undefined = undefined;
  #isOver = false;

  constructor(run: AggregateContext, call: CompiledCall, scope: MappingScope, owner: TaskOwner) {
    this.#run = run;
    this.#call = call;
    this.#scope = scope;
    this.#owner = owner;
  }

  start(): void {
    const request = toCallRequest(this.#call, this.#scope);
    if ('error' in request) {
      const isSkipped = request.missing !== undefined && this.#run.isSkipped(request.missing[1]!);
      return isSkipped ? this.#end('skipped') : this.#fail(request.error);
    }
    const fields = this.#run.shapeRequest(this.#call, request);
    if (this.#run.isOver) return;
    if (this.#call.isKept && this.#findKept(request, fields)) return;
    this.#send(request, fields);
  }

  cancel(): void {
    this.#isOver = true;
    this.#started?.release();
  }

  onServiceCallEnded(outcome: ServiceAnswer | GatewayError, call: StartedServiceCall): void {
    this.#started = undefined;
    this.endpoint = call.endpoint;
    this.attempts = call.attempts;
    if (this.#isOver || this.#run.isOver) return;
    if (outcome instanceof GatewayError) return this.#fail(toCallError(outcome, this.#call));
    this.status = outcome.status;
    this.bytes = outcome.body.length;
    this.#run.hearAnswer(this.#call, outcome);
    if (this.#run.isOver) return;
    this.#judge(outcome);
  }

  #findKept({ target, body }: CallRequest, fields: readonly string[]): boolean {
    const { name, service, method, cacheMs } = this.#call.definition;
    const { kept } = this.#run.aggregate;
    // Who asks is in the fields: nobody is given what was for somebody else.
    this.#key = `${name} ${service} ${method} ${target}\n${toKeyText(fields)}\n${body === undefined ? '' : hash('sha256', body)}`;
    const found = cacheMs === 0 ? undefined : kept.find(this.#key, this.#run.nowMs(), cacheMs);
    if (found === undefined) return false;
    this.answer = found;
    this.status = found.status;
    this.#end('cached');
    return true;
  }

  #send({ target, body }: CallRequest, fields: readonly string[]): void {
    const { definition, start } = this.#call;
    const { exchange } = this.#run;
    const limit = this.#run.limitFor(this.#call);
    if (limit.ms <= 0)
      return this.#fail(aggregateErrors.callTimeout(this.#detail({ timeoutMs: limit.ms, setting: limit.setting })));
    const started = start(
      exchange,
      {
        method: definition.method,
        target,
        fields,
        body,
        authority: exchange.request.authority,
        isRepeatable: true,
        limit,
        answerBytesMax: definition.answerBytesMax,
        spanId: this.#owner.spanId,
      },
      this,
    );
    if (this.result === undefined) this.#started = started;
  }

  #judge(answer: ServiceAnswer): void {
    const { definition } = this.#call;
    const { status, body } = answer;
    if (!definition.expect.some(({ from, to }) => from <= status && status <= to)) {
      if (definition.pass.includes(status)) {
        this.answer = { ...answer, document: undefined, atMs: 0 };
        return this.#end('passed');
      }
      return this.#fail(aggregateErrors.callStatus(this.#detail({ status }), publicly(definition.name)));
    }
    // A 204 and an answer to HEAD have no body, so what refers to it finds nothing.
    const isRead = definition.isRead && body.length > 0;
    const read = isRead ? readJson(body) : undefined;
    if (read !== undefined && 'reason' in read)
      return this.#fail(aggregateErrors.callAnswer(this.#detail({ ...read }), publicly(definition.name)));
    this.answer = { ...answer, document: read, atMs: this.#run.nowMs() };
    if (this.#call.isKept) this.#keep(this.answer);
    this.#end('ok');
  }

  /** The bytes are copied: those that came may be a small part of something large. */
  #keep({ status, fields, body, document, atMs }: KeptAnswer): void {
    const own = Buffer.allocUnsafeSlow(body.length);
    body.copy(own);
    const ownDocument = document && new JsonDocument(own, document.index);
    this.#run.aggregate.kept.keep(this.#key, { status, fields, body: own, document: ownDocument, atMs });
  }

  #fail(error: GatewayError): void {
    const { optional } = this.#call.definition;
    this.error = error;
    const ageMsMax = optional?.lastGoodMs ?? 0;
    if (ageMsMax > 0) this.lastGood = this.#run.aggregate.kept.find(this.#key, this.#run.nowMs(), ageMsMax);
    this.#end('failed');
  }

  #end(result: TaskResult): void {
    this.#isOver = true;
    this.result = result;
    this.#owner.onTaskEnded(this);
  }

  #detail(more: Readonly<Record<string, string | number>>) {
    const { name, service } = this.#call.definition;
    return { call: name, service, ...more };
  }
}

const OWN_OF_EACH_REQUEST = new Set(['traceparent', 'tracestate']);

/** Whose trace it is does not change the answer. */
function toKeyText(fields: readonly string[]): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) if (!OWN_OF_EACH_REQUEST.has(fields[i]!)) text += `${fields[i]}:${fields[i + 1]}\n`;
  return text;
}

function publicly(call: string) {
  return { publicDetail: `the call ${call}` };
}

/** What the client is told names the call, and not the service or why it fails. */
function toCallError(error: GatewayError, { definition: { name, service } }: CompiledCall): GatewayError {
  const detail = { call: name, service, error: error.code, ...error.detail };
  const options = { ...publicly(name), ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }) };
  if (error.status === 504) return aggregateErrors.callTimeout(detail, options);
  if (error.status === 503) return aggregateErrors.callUnavailable(detail, options);
  return aggregateErrors.callFailed(detail, options);
}
