/**
 * The spans of an exchange that is over, by the semantic conventions of OpenTelemetry for HTTP, and for RPC where it is a call: one for the exchange itself, one for
 * each request to a service, one for each call of an aggregate, and one for each policy that made the exchange wait.
 */
import type { CallRecord, ClientRequest, Exchange, Protocol } from '#http/exchange.ts';
import type { PolicyStep } from '#http/exchange-journal.ts';
import type { ExchangeTrace, NotedAttempt } from '#http/exchange-trace.ts';
import { isGrpcCall } from '#http/grpc-request.ts';
import { getField } from '#wire/fields/field-list.ts';
import { findAttemptStatus, findCallStatus, isServerError, toCallAttributes, toCallName, toStatusName } from './grpc-spans.ts';
import { REDACTED, type Redactor } from './lines/redactor.ts';
import type { CountedSpan, SpanRecord, SpanValue } from './span-record.ts';

/** Those that the conventions know; others could be as many as clients like. */
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY']);
const protocolVersions: Readonly<Record<Protocol, string>> = { 'HTTP/1.0': '1.0', 'HTTP/1.1': '1.1', 'HTTP/2': '2' };
const defaultPorts = { http: 80, https: 443 } as const;

export interface SpanMeans {
  readonly redactor: Redactor;
  /** What to add to monotonic time to get the time of day. */
  readonly wallOffsetMs: number;
}

export function toSpans(exchange: Exchange, trace: ExchangeTrace, means: SpanMeans): SpanRecord[] {
  const maker = new SpanMaker(exchange, trace, means);
  const waits = (exchange.journal?.policies ?? [])
    .filter(({ hasWaited }) => hasWaited)
    .map((step) => ({ step, spanId: trace.nextSpanId() }));
  const spans = [maker.toServerSpan(), ...waits.map((wait) => maker.toPolicySpan(wait))];
  for (const call of exchange.calls ?? []) if (call.startedMs > 0) spans.push(maker.toCallSpan(call));
  for (const noted of trace.attempts) spans.push(maker.toAttemptSpan(noted, findAsking(noted, waits)));
  return spans;
}

/** A policy that made the exchange wait. */
interface PolicyWait {
  readonly step: PolicyStep;
  readonly spanId: string;
}

/** While a policy waits, nobody else asks services for the exchange: what begins meanwhile is what it asks. */
function findAsking({ attempt }: NotedAttempt, waits: readonly PolicyWait[]): PolicyWait | undefined {
  return waits.find(({ step }) => step.startedMs <= attempt.startedMs && attempt.startedMs < step.endedMs);
}

type SpanParts = Pick<SpanRecord, 'name' | 'kind' | 'isError' | 'attributes'> & {
  readonly spanId: string;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Without one, the span of the exchange. */
  readonly parentId?: string;
};

class SpanMaker {
  readonly #exchange: Exchange;
  readonly #trace: ExchangeTrace;
  readonly #redactor: Redactor;
  readonly #wallOffsetMs: number;
  readonly #isGrpc: boolean;

  constructor(exchange: Exchange, trace: ExchangeTrace, { redactor, wallOffsetMs }: SpanMeans) {
    this.#exchange = exchange;
    this.#trace = trace;
    this.#redactor = redactor;
    this.#wallOffsetMs = wallOffsetMs;
    this.#isGrpc = isGrpcCall(exchange.request);
  }

  toServerSpan(): SpanRecord {
    const { request, plan, status, error, startedMs, finishedMs } = this.#exchange;
    const { spanId, parentId, isParentRemote } = this.#trace;
    const route = plan?.pathPattern ?? plan?.routeName;
    const method = toKnownMethod(request.method) ?? 'HTTP';
    const grpcStatus = this.#isGrpc ? findCallStatus(this.#exchange) : undefined;
    // What a client has done wrong is no error of the server.
    const isError = status >= 500 || this.#hasBrokenOff || (grpcStatus !== undefined && isServerError(grpcStatus));
    const said = grpcStatus === undefined ? String(status) : toStatusName(grpcStatus);
    const made = this.#toRecord({
      spanId,
      startedMs,
      endedMs: finishedMs,
      name: this.#callName ?? (route === undefined ? method : `${method} ${route}`),
      kind: 'server',
      isError,
      attributes: [
        ...this.#toRequestAttributes(),
        ...(this.#isGrpc ? toCallAttributes(this.#redactor.showPath(this.#exchange), grpcStatus) : []),
        'error.type',
        isError ? (error?.code ?? said) : undefined,
        ...this.#toOutcomeAttributes(),
      ],
    });
    const counted = toCounted(this.#exchange);
    return { ...made, parentId, isParentRemote, ...(counted && { counted }) };
  }

  toPolicySpan({ step, spanId }: PolicyWait): SpanRecord {
    const { policy, phase, startedMs, endedMs, decision, code, status } = step;
    return this.#toRecord({
      spanId,
      startedMs,
      endedMs,
      name: `policy ${policy}`,
      kind: 'internal',
      isError: decision === 'fail',
      attributes: [
        'gatehouse.policy',
        policy,
        'gatehouse.phase',
        phase,
        'gatehouse.decision',
        decision,
        'gatehouse.error.code',
        code,
        'gatehouse.status',
        status,
      ],
    });
  }

  toCallSpan(call: CallRecord): SpanRecord {
    const { name, service, status, startedMs, durationMs, outcome, code, attempts, count } = call;
    const isRunning = outcome === 'cancelled' && durationMs === 0;
    return this.#toRecord({
      spanId: call.spanId ?? this.#trace.nextSpanId(),
      startedMs,
      endedMs: isRunning ? this.#exchange.finishedMs : startedMs + durationMs,
      name: `call ${name}`,
      kind: 'internal',
      isError: outcome === 'failed' || outcome === 'fallback' || outcome === 'last-good',
      attributes: [
        'gatehouse.call',
        name,
        'gatehouse.service',
        service,
        'gatehouse.call.outcome',
        outcome,
        'gatehouse.call.attempts',
        attempts,
        'gatehouse.call.count',
        count === 1 ? undefined : count,
        'http.response.status_code',
        status === 0 ? undefined : status,
        'error.type',
        code,
      ],
    });
  }

  /** `asking`: the policy that has made it. */
  toAttemptSpan(
    { attempt, spanId, parentId, resendCount, method, target }: NotedAttempt,
    asking: PolicyWait | undefined,
  ): SpanRecord {
    const { startedMs, endedMs, error, isCancelled, wasReused } = attempt;
    const service = attempt.service.definition.name;
    const isUnfinished = endedMs === 0;
    // What policies ask, and calls of aggregates, are requests of their own.
    const isGrpc = this.#isGrpc && asking === undefined && parentId === this.#trace.spanId;
    // A status of gRPC is that of an attempt only behind this one of HTTP.
    const status = attempt.grpcStatus < 0 ? attempt.status : 200;
    const grpcStatus = isGrpc ? findAttemptStatus(attempt) : undefined;
    const isError = error !== undefined || status >= 400 || (grpcStatus ?? 0) > 0;
    const said = grpcStatus === undefined ? String(status) : toStatusName(grpcStatus);
    const shownTarget = this.#toShownTarget(target);
    return this.#toRecord({
      spanId,
      parentId: asking?.spanId ?? parentId,
      startedMs,
      endedMs: isUnfinished ? this.#exchange.finishedMs : endedMs,
      name: (isGrpc ? this.#callName : undefined) ?? `${toKnownMethod(method) ?? 'HTTP'} ${service}`,
      kind: 'client',
      isError,
      attributes: [
        ...toMethodAttributes(method),
        ...toEndpointAttributes(attempt.endpoint.url, shownTarget),
        'http.response.status_code',
        status === 0 ? undefined : status,
        ...(isGrpc ? toCallAttributes(shownTarget, grpcStatus) : []),
        'error.type',
        error?.code ?? (isError ? said : undefined),
        'http.request.resend_count',
        resendCount === 0 ? undefined : resendCount,
        'gatehouse.service',
        service,
        'gatehouse.connection.reused',
        wasReused,
        'gatehouse.cancelled',
        isCancelled || isUnfinished ? true : undefined,
      ],
    });
  }

  #toRecord({ spanId, parentId = this.#trace.spanId, startedMs, endedMs, ...parts }: SpanParts): SpanRecord {
    const { traceId, received } = this.#trace;
    const startMs = this.#wallOffsetMs + startedMs;
    const endMs = this.#wallOffsetMs + Math.max(startedMs, endedMs);
    return { traceId, spanId, parentId, isParentRemote: false, traceState: received.state, startMs, endMs, ...parts };
  }

  /** The answer had begun, and could not be completed. */
  get #hasBrokenOff(): boolean {
    const { error, hasResponseBegun } = this.#exchange;
    return hasResponseBegun && error !== undefined && error.kind.side !== 'client' && error.status >= 500;
  }

  get #callName(): string | undefined {
    const { request, plan } = this.#exchange;
    return this.#isGrpc ? toCallName(request.path, plan?.pathPattern) : undefined;
  }

  #toRequestAttributes(): SpanValue[] {
    const { request, requestId, batchOf } = this.#exchange;
    const redactor = this.#redactor;
    return [
      ...toMethodAttributes(request.method),
      ...toServerAttributes(request),
      'url.scheme',
      request.scheme,
      'url.path',
      toShort(redactor.showPath(this.#exchange)),
      'url.query',
      toShort(redactor.showQuery(this.#exchange)),
      'network.protocol.version',
      protocolVersions[request.protocol],
      'client.address',
      nonEmpty(redactor.showAddress('client', request.clientAddress)),
      'network.peer.address',
      nonEmpty(redactor.showAddress('peer', request.peerAddress)),
      'network.peer.port',
      request.clientPort === 0 ? undefined : request.clientPort,
      'user_agent.original',
      redactor.hides(userAgent) ? REDACTED : toShort(getField(request.fields, 'user-agent')),
      'gatehouse.request_id',
      requestId,
      'gatehouse.batch_of',
      batchOf,
      'gatehouse.listener',
      request.listener,
    ];
  }

  #toOutcomeAttributes(): SpanValue[] {
    const { plan, status, error, requestBytes, responseBytes, serviceName, consumer, cacheResult, fallbackReason } =
      this.#exchange;
    return [
      'http.route',
      plan?.pathPattern,
      'http.response.status_code',
      status === 0 ? undefined : status,
      'http.request.body.size',
      requestBytes === 0 ? undefined : requestBytes,
      'http.response.body.size',
      responseBytes,
      'gatehouse.route',
      plan?.routeName,
      'gatehouse.service',
      serviceName,
      'gatehouse.consumer',
      consumer && (this.#redactor.hides({ kind: 'consumer' }) ? REDACTED : consumer.name),
      'gatehouse.cache',
      cacheResult,
      'gatehouse.fallback',
      fallbackReason,
      'gatehouse.error.code',
      error?.code,
    ];
  }

  /** What is hidden of the request is hidden wherever it goes. Empty: nothing of it may be shown. */
  #toShownTarget(target: string): string {
    if (this.#redactor.hidesPath) return '';
    const { shownTarget, request } = this.#exchange;
    if (shownTarget === undefined || shownTarget === request.target) return this.#redactor.showUrl(target);
    const question = target.indexOf('?');
    return question < 0 ? target : target.slice(0, question);
  }
}

/** `undefined`: how long somebody kept a connection is not counted. */
function toCounted({ request, plan, serviceName, startedMs, finishedMs, isTunnel }: Exchange): CountedSpan | undefined {
  if (isTunnel) return undefined;
  return { labels: [request.listener, plan?.routeName ?? '', serviceName ?? ''], durationMs: finishedMs - startedMs };
}

const userAgent = { kind: 'request.header', name: 'user-agent' } as const;
const VALUE_LENGTH_MAX = 2_048;

/** Clients write these as long as they like. */
function toShort(text: string | undefined): string | undefined {
  return text === undefined || text.length <= VALUE_LENGTH_MAX ? text : text.slice(0, VALUE_LENGTH_MAX);
}

function toKnownMethod(method: string): string | undefined {
  return knownMethods.has(method) ? method : undefined;
}

function toMethodAttributes(method: string): SpanValue[] {
  if (method === '') return [];
  const known = toKnownMethod(method);
  return known === undefined
    ? ['http.request.method', '_OTHER', 'http.request.method_original', method]
    : ['http.request.method', known];
}

/** As the client has named it. */
function toServerAttributes({ authority, host, scheme }: ClientRequest): SpanValue[] {
  const colon = authority.lastIndexOf(':');
  const port = colon > authority.lastIndexOf(']') ? Number(authority.slice(colon + 1)) : defaultPorts[scheme];
  return ['server.address', nonEmpty(host), 'server.port', host === '' ? undefined : port];
}

function toEndpointAttributes(endpoint: string, target: string): SpanValue[] {
  const url = URL.parse(endpoint);
  // A socket file.
  if (url === null || url.hostname === '') return ['server.address', endpoint];
  const port = url.port === '' ? defaultPorts[url.protocol === 'https:' ? 'https' : 'http'] : Number(url.port);
  const full = target === '' ? undefined : toShort(`${url.protocol}//${url.host}${target}`);
  return ['server.address', url.hostname, 'server.port', port, 'url.full', full];
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
