/**
 * A whole gateway inside one process that sends nothing anywhere: the data plane that serves traffic, with stubs in the place
 * of connections and a clock of its own. What tests and plans ask it, it answers as the real one would.
 */
import { GatewayError } from '#base/errors.ts';
import { silentLogger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Issue } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { Exchange } from '#http/exchange.ts';
import { decides, ExchangeJournal } from '#http/exchange-journal.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import type { StubbedAnswer, StubbedRequest } from '#http/stubbed-upstream.ts';
import { type AnswerTimeouts, toTimeoutDetail } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { type HttpCall, type HttpCallAnswer, HttpCallFailed } from '#net/http-call.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
import { Control } from '#runtime/control.ts';
import { type AssumedIdentity, assumedIdentity, rehearsedPolicies } from './assumed-identity.ts';
import { type Decision, type PolicyDecisionStep, type Refusal, readJson, type ServiceExchange } from './decision.ts';
import { RehearsalClock } from './rehearsal-clock.ts';
import { toRehearsedConfiguration } from './rehearsed-configuration.ts';
import { type ReadyAnswer, type SentRequest, type StubFunction, toReadyAnswer } from './stub-answer.ts';

export interface RehearsedRequest extends InjectedRequest {
  readonly as?: AssumedIdentity | undefined;
}

export interface RehearsalOptions {
  /** Milliseconds since 1970 at which it begins. */
  readonly startMs: number;
}

/** Why there is no rehearsal. */
export interface RehearsalRefusal {
  readonly issues: readonly Issue[];
  readonly reasons: readonly string[];
}

export interface Rehearsed {
  readonly decision: Decision;
  /** What its route was looked for by; `undefined`: it could not be read. */
  readonly subject: MatchSubject | undefined;
}

/** One request under way. */
class Asking {
  readonly as: AssumedIdentity | undefined;
  readonly sent: ServiceExchange[] = [];
  exchange: Exchange | undefined = undefined;
  thrown: { readonly error: unknown } | undefined = undefined;

  constructor(as: AssumedIdentity | undefined) {
    this.as = as;
  }
}

const emptyAnswer = toReadyAnswer({ status: 200 });

export class RehearsedGateway {
  readonly configuration: Configuration;
  readonly clock: RehearsalClock;
  readonly stubs = new Map<string, StubFunction>();
  /** By the beginning of their URL. */
  readonly urlStubs = new Map<string, StubFunction>();
  /** Services that were asked without a stub, and URLs. */
  readonly unstubbed = new Set<string>();
  readonly #control: Control;
  readonly #askings = new Map<string, Asking>();
  /** Whose exchange is about to begin. */
  #beginning: Asking | undefined;
  #last: Asking | undefined;
  #inject: (request: InjectedRequest) => Promise<InjectedAnswer> = () => Promise.reject(new HttpCallFailed('not open yet'));

  private constructor(loaded: LoadedConfiguration & { configuration: Configuration }, { startMs }: RehearsalOptions) {
    this.configuration = loaded.configuration;
    this.clock = new RehearsalClock(startMs);
    const rehearsed = toRehearsedConfiguration(loaded.configuration);
    this.#control = new Control({
      clock: this.clock,
      logger: silentLogger,
      load: async () => ({ ...loaded, configuration: rehearsed }),
      threads: 0,
      watches: false,
      rehearsal: {
        upstreams: { answer: (request) => this.#answer(request) },
        callHttp: (call) => this.#callHttp(call),
        later: (ms, run) => this.clock.later(ms, run),
        policies: rehearsedPolicies,
        begin: (exchange) => this.#begin(exchange),
      },
    });
  }

  /** Compiles a configuration; tells why it cannot. */
  static async open(loaded: LoadedConfiguration, options: RehearsalOptions): Promise<RehearsedGateway | RehearsalRefusal> {
    const { configuration, issues } = loaded;
    if (configuration === undefined) return { issues, reasons: [] };
    const rehearsal = new RehearsedGateway({ ...loaded, configuration }, options);
    const prepared = await rehearsal.#control.prepareInjection();
    if ('issues' in prepared) return prepared;
    rehearsal.#inject = (request) => prepared.inject(request);
    rehearsal.clock.follow(() => rehearsal.#control.plane?.advanceTimers());
    return rehearsal;
  }

  /** Sends a request through the gateway, and tells what became of it. Rejects with what a stub has thrown. */
  async decide(request: RehearsedRequest): Promise<Rehearsed> {
    const asking = new Asking(request.as);
    const { clock } = this;
    clock.waits();
    try {
      this.#beginning = asking;
      this.#last = asking;
      const answered = this.#inject(request);
      this.#beginning = undefined;
      const outcome = await answered.catch((error: unknown) => error);
      if (asking.thrown !== undefined) throw asking.thrown.error;
      if (!(outcome instanceof GatewayError) && outcome instanceof Error) throw outcome;
      const decision = toDecision(request, asking, outcome as InjectedAnswer | GatewayError);
      return { decision, subject: asking.exchange?.request };
    } finally {
      clock.settled();
      if (asking.exchange !== undefined) this.#askings.delete(asking.exchange.requestId);
    }
  }

  async close(): Promise<void> {
    this.clock.stop();
    await this.#control.drain();
  }

  #begin(exchange: Exchange): void {
    const asking = this.#beginning ?? this.#findAsking(exchange);
    this.#beginning = undefined;
    if (asking === undefined) return;
    if (asking.exchange === undefined) {
      asking.exchange = exchange;
      exchange.journal = new ExchangeJournal(this.clock);
      this.#askings.set(exchange.requestId, asking);
    }
    if (asking.as !== undefined) exchange.set(assumedIdentity, asking.as);
  }

  /** Requests that a batch holds, and those of the gateway's own, belong to who has asked for them. */
  #findAsking({ requestId, batchOf }: Exchange): Asking | undefined {
    return this.#askings.get(requestId) ?? this.#askings.get(batchOf ?? '') ?? this.#last;
  }

  async #answer(asked: StubbedRequest): Promise<StubbedAnswer | GatewayError> {
    const { service, exchange, timeouts } = asked;
    const asking = this.#findAsking(exchange);
    const request = toSentRequest(asked);
    const stub = this.stubs.get(service);
    if (stub === undefined) this.unstubbed.add(service);
    const exchanged = { request, outcome: 'no answer' as number | string, isUnstubbed: stub === undefined };
    asking?.sent.push(exchanged);
    try {
      const answer = stub === undefined ? emptyAnswer : toReadyAnswer(await stub(request));
      exchanged.outcome = answer.fails ?? answer.status;
      return await this.#afterItsTime(answer, timeouts);
    } catch (thrown) {
      // A mistake of whoever wrote the stub, and no failure of the service.
      if (asking !== undefined) asking.thrown ??= { error: thrown };
      return upstreamErrors.lostBeforeAnswer({ reason: 'the stub has failed' });
    }
  }

  /** A service has no more time than it is given. */
  async #afterItsTime(answer: ReadyAnswer, { firstByte }: AnswerTimeouts): Promise<StubbedAnswer | GatewayError> {
    const ms = answer.fails === 'silent' ? Number.POSITIVE_INFINITY : answer.afterMs;
    if (ms > 0) await new Promise<void>((resolve) => this.clock.later(Math.min(ms, firstByte.ms), resolve));
    return ms >= firstByte.ms ? upstreamErrors.firstByteTimeout(toTimeoutDetail(firstByte)) : toStubbedAnswer(answer);
  }

  /** Servers that are no services, such as that of an issuer of tokens. */
  async #callHttp({ url, method = 'GET', headers = {}, body = '' }: HttpCall): Promise<HttpCallAnswer> {
    const found = [...this.urlStubs].filter(([start]) => url.startsWith(start)).toSorted(([a], [b]) => b.length - a.length)[0];
    if (found === undefined) {
      this.unstubbed.add(url);
      throw new HttpCallFailed('nothing stands in for this server');
    }
    const { host, pathname, search } = new URL(url);
    const request = { service: url, endpoint: url, method, path: pathname, query: search.slice(1), host, headers, body };
    const { status, fields, body: bytes, fails } = toReadyAnswer(await found[1](request));
    if (fails !== undefined) throw new HttpCallFailed(fails);
    const named = Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : [])));
    return { status, headers: named, text: toUtf8(bytes) };
  }
}

function toStubbedAnswer({ status, fields, body, trailers, fails }: ReadyAnswer): StubbedAnswer | GatewayError {
  if (fails === 'unreachable') return upstreamErrors.unreachable({ reason: 'ECONNREFUSED' });
  if (fails === 'reset') return upstreamErrors.lostBeforeAnswer({ reason: 'ECONNRESET' });
  const breaksOff = fails === 'broken';
  const hasLength = trailers === undefined && status !== 204 && !breaksOff;
  return { status, fields, body, trailers, breaksOff, contentLengthBytes: hasLength ? body.length : -1 };
}

function toSentRequest({ service, endpoint, exchange, method, target, authority, fields, body }: StubbedRequest): SentRequest {
  const mark = target.indexOf('?');
  const { forwardingFields } = exchange.request;
  return {
    service,
    endpoint,
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    host: authority,
    headers: toHeaders([...fields, ...forwardingFields.fields, 'x-request-id', exchange.requestId]),
    body: toUtf8(body),
  };
}

function toHeaders(fields: readonly string[]): Record<string, string> {
  // Through a map, because a field may be called `constructor` or `__proto__`.
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const before = values.get(fields[i]!);
    values.set(fields[i]!, before === undefined ? fields[i + 1]! : `${before}, ${fields[i + 1]}`);
  }
  return Object.fromEntries(values);
}

function toUtf8(bytes: Buffer): string {
  return bytes.toString('utf8');
}

function toDecision(asked: RehearsedRequest, { exchange, sent }: Asking, outcome: InjectedAnswer | GatewayError): Decision {
  const isAnswer = !(outcome instanceof GatewayError);
  const { method = 'GET', url = '/' } = asked;
  const { host = '', path = '', query = '', listener = '', clientAddress = '' } = exchange?.request ?? {};
  const error = exchange?.error ?? (isAnswer ? undefined : outcome);
  const { captureNames = [], captures = [] } = exchange ?? {};
  return {
    request: { method, url, host, path, query, listener, clientAddress },
    route: exchange?.plan?.routeName,
    captures: Object.fromEntries(captureNames.map((name, i) => [name, captures[i] ?? ''])),
    consumer: exchange?.consumer?.name,
    policies: toSteps(exchange),
    services: [...new Set(sent.map(({ request: { service } }) => service))],
    sent,
    status: isAnswer ? outcome.status : 0,
    headers: isAnswer ? outcome.headers : {},
    body: isAnswer ? outcome.text() : '',
    refusal: error === undefined ? (isAnswer && exchange === undefined ? readRefusal(outcome) : undefined) : toRefusal(error),
    fallback: exchange?.fallbackReason,
    cache: exchange?.cacheResult,
  };
}

/** A policy of two phases is named once, with what it has decided last. */
function toSteps(exchange: Exchange | undefined): PolicyDecisionStep[] {
  const steps = new Map<string, PolicyDecisionStep>();
  for (const step of exchange?.journal?.policies ?? []) {
    const { policy, decision, code } = step;
    if (decides(step)) steps.set(policy, { policy, decision, ...(code !== undefined && { code }) });
  }
  return [...steps.values()];
}

/** By the code of its errors. */
const policyByCode: ReadonlyMap<string, string> = new Map(
  policyDefinitions.flatMap(({ name, errors }) => Object.values(errors).map(({ kind }) => [kind.code, name] as const)),
);

/** Of a request that was refused before it became an exchange, the answer is all that there is. */
function readRefusal(answer: InjectedAnswer): Refusal {
  const problem = readJson(answer.text());
  const textAt = (name: string) => (typeof problem === 'object' && problem !== null ? String(Reflect.get(problem, name)) : '');
  return { code: textAt('code'), policy: undefined, status: answer.status, help: textAt('detail'), detail: undefined };
}

function toRefusal({ code, status, kind, detail }: GatewayError): Refusal {
  return { code, policy: policyByCode.get(code), status, help: kind.help, detail };
}
