/**
 * Policies in the real pipeline, without sockets: a real route table, plan and runner, between a client and an upstream that
 * are lists of bytes. Both are dumber than the real ones: they know no backpressure and no limits.
 */
import type { GatewayError } from '#base/errors.ts';
import { clientErrors } from '#http/client-errors.ts';
import { type AnswerSource, type ClientRequest, type ClientSide, Exchange, ForwardingFields } from '#http/exchange.ts';
import { encodeHttp1AttemptHead } from '#http/http1-attempt-head.ts';
import { hasResponseBody, type ResponseHead } from '#http/response.ts';
import { normaliseTarget, parseHost } from '#http/target.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { type PlannedPolicy, RoutePlan, type Terminal } from '#pipeline/plan.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { rescue } from '#pipeline/rescue.ts';
import { runPlan } from '#pipeline/run.ts';
import type { RouteDefinition } from '#routing/route-definition.ts';
import type { RouteTable } from '#routing/route-table.ts';
import { parsePathPattern } from '#schema/path-pattern.ts';
import { findLibraries } from '#snapshot/policy-needs.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { encodeFields } from '#wire/http1/encode.ts';
import { compileTable } from './compiled-table.ts';
import { FakeClock } from './fake-clock.ts';
import { createPolicyServices } from './policy-services.ts';

export interface BenchRequest {
  readonly method?: string;
  /** Path and query. */
  readonly url?: string;
  readonly host?: string;
  readonly scheme?: 'http' | 'https';
  readonly clientAddress?: string;
  /** As it is announced; without one, the body's end shows itself. */
  readonly contentLength?: number;
  /** The protocol that the client would like to change to. */
  readonly upgrade?: string;
  /** What the client has shown in its handshake. */
  readonly clientCertificate?: ClientCertificate;
  /** Lower-case names and values, alternating. */
  readonly fields?: readonly string[];
  /** Arrives piece by piece as it is written here. */
  readonly body?: readonly string[];
}

/** What the upstream is sent. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly fields: readonly string[];
  /** As the bytes of HTTP/1.1 would be. */
  readonly head: string;
  /** By pieces. */
  readonly body: readonly string[];
}

export interface UpstreamAnswer {
  readonly status?: number;
  readonly fields?: readonly string[];
  /** By pieces. */
  readonly body?: readonly string[];
  /** The answer breaks off here, or never begins. */
  readonly error?: GatewayError;
}

export interface BenchAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  /** As HTTP/1.1 lines. */
  readonly fieldText: string;
  readonly text: string;
  /** The client saw a broken answer, or none. */
  readonly isBrokenOff: boolean;
  readonly exchange: Exchange;
  /** All values of a field. */
  values(name: string): string[];
  json(): unknown;
}

export interface BenchExchange {
  readonly exchange: Exchange;
  readonly answer: Promise<BenchAnswer>;
  /** The client goes away. */
  leave(): void;
}

/** Name of the service that the upstream is. */
export const BENCH_SERVICE = 'orders';

type Upstream = (seen: SeenRequest) => UpstreamAnswer | undefined;

export interface PolicyBenchOptions {
  /** In execution order. */
  readonly policies?: readonly PlannedPolicy[];
  /** Path pattern of the one route; every path when not given. */
  readonly path?: string;
  /** What the upstream answers; 200 with `served` when not given. `undefined`: nothing, ever. */
  readonly upstream?: Upstream;
  /** Instead of the upstream. */
  readonly terminal?: Terminal;
}

export interface PolicyBench {
  readonly clock: FakeClock;
  /** What the upstream was sent, in order. */
  readonly seen: readonly SeenRequest[];
  /** Exchanges in the order in which they ended. */
  readonly finished: readonly Exchange[];
  start(request?: BenchRequest): BenchExchange;
  send(request?: BenchRequest): Promise<BenchAnswer>;
  /** As a reload does: exchanges that run keep what they started with. */
  reload(policies: readonly PlannedPolicy[]): void;
}

/** A policy with a configuration, as a snapshot makes it. */
export async function plan<Config>(
  definition: PolicyDefinition<string, Config>,
  config: unknown,
  services: Partial<PolicyServices> = {},
): Promise<PlannedPolicy> {
  const settings = (await definition.loadConfig()).parse(config);
  for (const library of findLibraries(definition as PolicyDefinition, settings)) await library.load();
  const phases = definition.create(settings, createPolicyServices(services));
  return { name: definition.name, phases };
}

/** A policy that is nothing but its phases. */
export function planPhases(phases: PolicyPhases, name = 'tested'): PlannedPolicy {
  return { name, phases };
}

export function createPolicyBench(options: PolicyBenchOptions = {}): PolicyBench {
  const clock = new FakeClock();
  const seen: SeenRequest[] = [];
  const finished: Exchange[] = [];
  const answerAs = options.upstream ?? (() => ({ body: ['served'] }));
  const terminal: Terminal = options.terminal ?? {
    services: [BENCH_SERVICE],
    start: (exchange: Exchange, of: RoutePlan) => new BenchUpstream(exchange, of, { seen, answerAs }).take(),
  };
  const { table } = compileTable([toRoute(options.path ?? '/*')]);
  let routePlan = new RoutePlan('tested', options.policies ?? [], terminal);
  const start = (request: BenchRequest = {}): BenchExchange => {
    const client = new BenchClient(request, clock, finished);
    dispatch(client.exchange, table, routePlan);
    return client;
  };
  return {
    clock,
    seen,
    finished,
    start,
    send: (request) => start(request).answer,
    reload(policies) {
      routePlan = new RoutePlan('tested', policies, terminal);
    },
  };
}

function toRoute(path: string): RouteDefinition {
  const reading = parsePathPattern(path);
  if ('problem' in reading) throw new Error(reading.problem);
  return { name: 'tested', matches: [{ paths: [reading.value] }], priority: 0 };
}

function dispatch(exchange: Exchange, table: RouteTable, routePlan: RoutePlan): void {
  const match = table.lookup(exchange.request);
  if (match === undefined) return rescue(exchange, gatewayErrors.noRoute());
  exchange.captureNames = match.captureNames;
  exchange.captures = match.captures;
  exchange.pathRest = match.rest;
  runPlan(exchange, routePlan);
}

class BenchClient implements ClientSide, BenchExchange {
  readonly exchange: Exchange;
  readonly answer: Promise<BenchAnswer>;
  readonly #clock: FakeClock;
  readonly #body: readonly string[];
  #isBodySent = false;
  #head: ResponseHead | undefined;
  #text = '';
  readonly #resolve: (answer: BenchAnswer) => void;

  constructor(request: BenchRequest, clock: FakeClock, finished: Exchange[]) {
    const { promise, resolve } = Promise.withResolvers<BenchAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#clock = clock;
    this.#body = request.body ?? [];
    const observer = { onExchangeFinished: (exchange: Exchange) => void finished.push(exchange) };
    const start = { requestId: 'bench-request', startedMs: clock.monotonicMs() };
    this.exchange = new Exchange(this, observer, toClientRequest(request), start);
  }

  describeClient(): undefined {}

  leave(): void {
    const { exchange } = this;
    exchange.error ??= clientErrors.gone();
    const { source } = exchange;
    exchange.source = undefined;
    source?.onClientGone();
    this.#end(true);
  }

  sendInformational(): void {
    // Only final answers are looked at.
  }

  sendHead(response: ResponseHead): void {
    if (this.#head !== undefined) throw new Error('a second head was sent');
    this.#head = { ...response, fields: [...response.fields] };
  }

  sendChunk(view: Buffer): boolean {
    if (this.exchange.isFinished) throw new Error('a piece was sent behind the end');
    if (hasResponseBody(this.exchange.request.method, this.exchange.status)) this.#text += view.toString('latin1');
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(): void {
    if (this.exchange.isFinished) throw new Error('a second end was sent');
    this.#end(false);
  }

  abort(): void {
    this.#end(true);
  }

  resumeRequestBody(): void {
    if (this.#isBodySent) return;
    this.#isBodySent = true;
    const { exchange } = this;
    for (const piece of this.#body) {
      const view = Buffer.from(piece, 'latin1');
      const refusal = exchange.takeRequestChunk(view);
      if (refusal !== undefined) return rescue(exchange, refusal);
      // What was only lent is gone.
      view.fill('#');
    }
    exchange.endRequest(undefined);
  }

  pauseRequestBody(): void {
    // The body is in memory.
  }

  openTunnel(): undefined {
    this.abort();
  }

  #end(isBrokenOff: boolean): void {
    const { exchange } = this;
    exchange.finish(this.#clock.monotonicMs());
    const fields = this.#head?.fields ?? [];
    this.#resolve({
      status: exchange.status,
      fields,
      fieldText: encodeFields(fields),
      text: this.#text,
      isBrokenOff,
      exchange,
      values: (name) => getFieldValues(fields, name),
      json: () => JSON.parse(this.#text) as unknown,
    });
  }
}

class BenchUpstream implements AnswerSource {
  readonly #exchange: Exchange;
  readonly #plan: RoutePlan;
  readonly #seen: SeenRequest[];
  readonly #answerAs: Upstream;
  readonly #body: string[] = [];
  #isGone = false;

  constructor(exchange: Exchange, of: RoutePlan, means: { seen: SeenRequest[]; answerAs: Upstream }) {
    this.#exchange = exchange;
    this.#plan = of;
    this.#seen = means.seen;
    this.#answerAs = means.answerAs;
  }

  take(): void {
    const { request } = this.#exchange;
    this.#exchange.source = this;
    this.#exchange.serviceName = BENCH_SERVICE;
    if (request.hasBody) this.#exchange.resumeRequestBody();
    else this.onRequestEnd();
  }

  onRequestChunk(view: Buffer): void {
    this.#body.push(view.toString('latin1'));
  }

  onRequestEnd(): void {
    const { request } = this.#exchange;
    const upstream: UpstreamRequest = {
      service: BENCH_SERVICE,
      purpose: 'route',
      method: request.method,
      target: request.target,
      authority: request.authority,
      fields: [...request.fields],
    };
    this.#plan.shapeUpstreamRequest(this.#exchange, upstream);
    if (this.#isGone) return;
    const forever = { ms: Number.POSITIVE_INFINITY, setting: '' };
    const timeouts = { firstByte: forever, idle: forever };
    const head = encodeHttp1AttemptHead(this.#exchange, { ...upstream, timeouts, trace: undefined }, false);
    const seen = { ...upstream, head, body: this.#body };
    this.#seen.push(seen);
    const answer = this.#answerAs(seen);
    if (answer !== undefined) this.#answer(answer);
  }

  onRequestFlush(): void {
    // Nothing is held back.
  }

  onClientDrained(): void {
    // The client takes everything at once.
  }

  onClientGone(): void {
    this.#isGone = true;
  }

  #answer({ status = 200, fields = [], body = [], error }: UpstreamAnswer): void {
    const exchange = this.#exchange;
    if (error !== undefined && body.length === 0) return rescue(exchange, error);
    const response: ResponseHead = { status, fields: [...fields], contentLengthBytes: undefined };
    this.#plan.shapeUpstreamResponse(exchange, response);
    exchange.sendHead(response);
    for (const piece of body) if (!this.#isGone) exchange.answer.sendChunk(Buffer.from(piece, 'latin1'));
    if (this.#isGone) return;
    if (error !== undefined) rescue(exchange, error);
    else exchange.answer.sendEnd(undefined);
  }
}

function toClientRequest({
  method = 'GET',
  url = '/',
  host = 'shop.example.com',
  scheme = 'http',
  clientAddress = '198.51.100.7',
  ...rest
}: BenchRequest): ClientRequest {
  const normalised = normaliseTarget(url, method);
  if (typeof normalised === 'string') throw new Error(`${url}: ${normalised}`);
  return {
    listener: 'web',
    protocol: 'HTTP/1.1',
    method,
    path: normalised.path,
    query: normalised.query,
    target: normalised.target,
    authority: host,
    host: parseHost(host) ?? '',
    fields: rest.fields ?? [],
    fieldText: undefined,
    contentLengthBytes: rest.contentLength ?? -1,
    hasBody: rest.body !== undefined,
    acceptsTrailers: false,
    expectsContinue: false,
    upgrade: rest.upgrade,
    clientAddress,
    peerAddress: clientAddress,
    clientPort: 51_234,
    scheme,
    forwardingFields: new ForwardingFields([]),
    clientCertificate: rest.clientCertificate,
  };
}
