/**
 * The spans of an exchange that is over, by the semantic conventions of OpenTelemetry for HTTP, and for RPC where it is a call: one for the exchange itself, one for
 * each request to a service, one for each call of an aggregate, and one for each policy that made the exchange wait.
 */
import type { CallRecord, ClientRequest, Exchange, Protocol } from '#http/exchange.ts';
import type { PolicyStep } from '#http/exchange-journal.ts';
import type { ExchangeTrace, NotedAttempt } from '#http/exchange-trace.ts';
import { isGrpcCall } from '#http/grpc-request.ts';
import { getField } from '#wire/fields/field-list.ts';
import { EndpointNames } from './endpoint-names.ts';
import { findAttemptStatus, findCallStatus, isServerError, toCallName, toStatusName, writeCallAttributes } from './grpc-spans.ts';
import { REDACTED, type Redactor } from './lines/redactor.ts';
import type { SpanBatchWriter, SpanHead } from './otlp-spans.ts';

/** Those that the conventions know; others could be as many as clients like. */
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY']);
const protocolVersions: Readonly<Record<Protocol, string>> = { 'HTTP/1.0': '1.0', 'HTTP/1.1': '1.1', 'HTTP/2': '2' };
const defaultPorts = { http: 80, https: 443 } as const;

/** What spans of one thread have in common. */
export interface SpanMeans {
  readonly writer: SpanBatchWriter;
  readonly redactor: Redactor;
  readonly endpoints: EndpointNames;
  readonly hidesUserAgent: boolean;
  readonly hidesConsumer: boolean;
}

export function createSpanMeans(writer: SpanBatchWriter, redactor: Redactor): SpanMeans {
  return {
    writer,
    redactor,
    endpoints: new EndpointNames(),
    hidesUserAgent: redactor.hides({ kind: 'request.header', name: 'user-agent' }),
    hidesConsumer: redactor.hides({ kind: 'consumer' }),
  };
}

/** `wallOffsetMs`: what to add to monotonic time to get the time of day. */
export function writeSpans(exchange: Exchange, trace: ExchangeTrace, means: SpanMeans, wallOffsetMs: number): void {
  const spans = new ExchangeSpans(exchange, trace, means, wallOffsetMs);
  const waits = listWaits(exchange).map((step): PolicyWait => ({ step, spanId: trace.nextSpanId() }));
  spans.writeServer();
  for (const wait of waits) spans.writePolicy(wait);
  for (const call of listCalls(exchange)) spans.writeCall(call);
  for (const noted of trace.attempts) spans.writeAttempt(noted, findAsking(noted, waits));
}

/** How many there are. */
export function countSpans(exchange: Exchange, trace: ExchangeTrace): number {
  return 1 + listWaits(exchange).length + listCalls(exchange).length + trace.attempts.length;
}

/** Policies that made the exchange wait. */
function listWaits({ journal }: Exchange): readonly PolicyStep[] {
  return journal?.policies.filter(({ hasWaited }) => hasWaited) ?? [];
}

function listCalls({ calls }: Exchange): readonly CallRecord[] {
  return calls?.filter(({ startedMs }) => startedMs > 0) ?? [];
}

interface PolicyWait {
  readonly step: PolicyStep;
  readonly spanId: string;
}

/** While a policy waits, nobody else asks services for the exchange: what begins meanwhile is what it asks. */
function findAsking({ attempt }: NotedAttempt, waits: readonly PolicyWait[]): PolicyWait | undefined {
  return waits.find(({ step }) => step.startedMs <= attempt.startedMs && attempt.startedMs < step.endedMs);
}

/** Of a span within the one of the exchange. Times are monotonic. */
interface InnerSpan extends Pick<SpanHead, 'spanId' | 'name' | 'kind' | 'isError'> {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly parentId: string;
}

/** Writes those of one exchange. */
class ExchangeSpans {
  readonly #exchange: Exchange;
  readonly #trace: ExchangeTrace;
  readonly #means: SpanMeans;
  readonly #writer: SpanBatchWriter;
  readonly #wallOffsetMs: number;
  readonly #isGrpc: boolean;

  constructor(exchange: Exchange, trace: ExchangeTrace, means: SpanMeans, wallOffsetMs: number) {
    this.#exchange = exchange;
    this.#trace = trace;
    this.#means = means;
    this.#writer = means.writer;
    this.#wallOffsetMs = wallOffsetMs;
    this.#isGrpc = isGrpcCall(exchange.request);
  }

  writeServer(): void {
    const { request, plan, status, error } = this.#exchange;
    const writer = this.#writer;
    const route = plan?.pathPattern ?? plan?.routeName;
    const method = toKnownMethod(request.method) ?? 'HTTP';
    const grpcStatus = this.#isGrpc ? findCallStatus(this.#exchange) : undefined;
    // What a client has done wrong is no error of the server.
    const isError = status >= 500 || this.#hasBrokenOff || (grpcStatus !== undefined && isServerError(grpcStatus));
    this.#beginServer(this.#callName ?? (route === undefined ? method : `${method} ${route}`), isError);
    this.#addRequest();
    if (this.#isGrpc) writeCallAttributes(writer, this.#means.redactor.showPath(this.#exchange), grpcStatus);
    if (isError) writer.attribute('error.type', error?.code ?? toSaid(status, grpcStatus));
    this.#addOutcome();
    writer.end();
  }

  writePolicy({ step, spanId }: PolicyWait): void {
    const { policy, phase, startedMs, endedMs, decision, code, status } = step;
    const writer = this.#writer;
    const parentId = this.#trace.spanId;
    const isError = decision === 'fail';
    this.#begin({ spanId, parentId, startedMs, endedMs, name: `policy ${policy}`, kind: 'internal', isError });
    writer.attribute('gatehouse.policy', policy);
    writer.attribute('gatehouse.phase', phase);
    writer.attribute('gatehouse.decision', decision);
    writer.attribute('gatehouse.error.code', code);
    writer.attribute('gatehouse.status', status);
    writer.end();
  }

  writeCall(call: CallRecord): void {
    const { name, service, status, startedMs, durationMs, outcome, code, attempts, count } = call;
    const writer = this.#writer;
    const isRunning = outcome === 'cancelled' && durationMs === 0;
    this.#begin({
      spanId: call.spanId ?? this.#trace.nextSpanId(),
      parentId: this.#trace.spanId,
      startedMs,
      endedMs: isRunning ? this.#exchange.finishedMs : startedMs + durationMs,
      name: `call ${name}`,
      kind: 'internal',
      isError: outcome === 'failed' || outcome === 'fallback' || outcome === 'last-good',
    });
    writer.attribute('gatehouse.call', name);
    writer.attribute('gatehouse.service', service);
    writer.attribute('gatehouse.call.outcome', outcome);
    writer.attribute('gatehouse.call.attempts', attempts);
    if (count !== 1) writer.attribute('gatehouse.call.count', count);
    if (status !== 0) writer.attribute('http.response.status_code', status);
    writer.attribute('error.type', code);
    writer.end();
  }

  /** `asking`: the policy that has made it. */
  writeAttempt(noted: NotedAttempt, asking: PolicyWait | undefined): void {
    const { attempt, spanId, parentId, method } = noted;
    const { startedMs, endedMs, error } = attempt;
    // What policies ask, and calls of aggregates, are requests of their own.
    const isGrpc = this.#isGrpc && asking === undefined && parentId === this.#trace.spanId;
    // A status of gRPC is that of an attempt only behind this one of HTTP.
    const status = attempt.grpcStatus < 0 ? attempt.status : 200;
    const grpcStatus = isGrpc ? findAttemptStatus(attempt) : undefined;
    const isError = error !== undefined || status >= 400 || (grpcStatus ?? 0) > 0;
    this.#begin({
      spanId,
      parentId: asking?.spanId ?? parentId,
      startedMs,
      endedMs: endedMs === 0 ? this.#exchange.finishedMs : endedMs,
      name: (isGrpc ? this.#callName : undefined) ?? `${toKnownMethod(method) ?? 'HTTP'} ${attempt.service.definition.name}`,
      kind: 'client',
      isError,
    });
    const target = this.#toShownTarget(noted.target);
    this.#addAttempt(noted, status, target);
    if (isGrpc) writeCallAttributes(this.#writer, target, grpcStatus);
    if (isError) this.#writer.attribute('error.type', error?.code ?? toSaid(status, grpcStatus));
    this.#writer.end();
  }

  #beginServer(name: string, isError: boolean): void {
    const { startedMs, finishedMs } = this.#exchange;
    const { traceId, spanId, parentId, isParentRemote, received } = this.#trace;
    this.#writer.begin({
      traceId,
      spanId,
      parentId,
      isParentRemote,
      traceState: received.state,
      name,
      kind: 'server',
      startMs: this.#wallOffsetMs + startedMs,
      endMs: this.#wallOffsetMs + Math.max(startedMs, finishedMs),
      isError,
    });
  }

  #begin({ spanId, parentId, startedMs, endedMs, name, kind, isError }: InnerSpan): void {
    const { traceId, received } = this.#trace;
    this.#writer.begin({
      traceId,
      spanId,
      parentId,
      isParentRemote: false,
      traceState: received.state,
      name,
      kind,
      startMs: this.#wallOffsetMs + startedMs,
      endMs: this.#wallOffsetMs + Math.max(startedMs, endedMs),
      isError,
    });
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

  #addRequest(): void {
    const { request, requestId, batchOf } = this.#exchange;
    const { redactor, hidesUserAgent } = this.#means;
    const writer = this.#writer;
    this.#addMethod(request.method);
    this.#addServer(request);
    writer.attribute('url.scheme', request.scheme);
    writer.attribute('url.path', toShort(redactor.showPath(this.#exchange)));
    writer.attribute('url.query', toShort(redactor.showQuery(this.#exchange)));
    writer.attribute('network.protocol.version', protocolVersions[request.protocol]);
    writer.attribute('client.address', nonEmpty(redactor.showAddress('client', request.clientAddress)));
    writer.attribute('network.peer.address', nonEmpty(redactor.showAddress('peer', request.peerAddress)));
    if (request.clientPort !== 0) writer.attribute('network.peer.port', request.clientPort);
    const agent = hidesUserAgent ? REDACTED : toShort(getField(request.fields, 'user-agent'));
    writer.attribute('user_agent.original', agent);
    writer.attribute('gatehouse.request_id', requestId);
    writer.attribute('gatehouse.batch_of', batchOf);
    writer.attribute('gatehouse.listener', request.listener);
  }

  #addOutcome(): void {
    const { plan, status, error, requestBytes, responseBytes, serviceName, consumer, cacheResult, fallbackReason } =
      this.#exchange;
    const writer = this.#writer;
    writer.attribute('http.route', plan?.pathPattern);
    if (status !== 0) writer.attribute('http.response.status_code', status);
    if (requestBytes !== 0) writer.attribute('http.request.body.size', requestBytes);
    writer.attribute('http.response.body.size', responseBytes);
    writer.attribute('gatehouse.route', plan?.routeName);
    writer.attribute('gatehouse.service', serviceName);
    writer.attribute('gatehouse.consumer', consumer && (this.#means.hidesConsumer ? REDACTED : consumer.name));
    writer.attribute('gatehouse.cache', cacheResult);
    writer.attribute('gatehouse.fallback', fallbackReason);
    writer.attribute('gatehouse.error.code', error?.code);
  }

  /** `target`: as it may be shown. */
  #addAttempt({ attempt, resendCount, method }: NotedAttempt, status: number, target: string): void {
    const { service, endpoint, wasReused, isCancelled, endedMs } = attempt;
    const { host, port, origin } = this.#means.endpoints.find(endpoint.url);
    const writer = this.#writer;
    this.#addMethod(method);
    writer.attribute('server.address', host);
    writer.attribute('server.port', port);
    if (origin !== undefined && target !== '') writer.attribute('url.full', toShort(origin + target));
    if (status !== 0) writer.attribute('http.response.status_code', status);
    if (resendCount !== 0) writer.attribute('http.request.resend_count', resendCount);
    writer.attribute('gatehouse.service', service.definition.name);
    writer.attribute('gatehouse.connection.reused', wasReused);
    if (isCancelled || endedMs === 0) writer.attribute('gatehouse.cancelled', true);
  }

  #addMethod(method: string): void {
    if (method === '') return;
    const known = toKnownMethod(method);
    this.#writer.attribute('http.request.method', known ?? '_OTHER');
    if (known === undefined) this.#writer.attribute('http.request.method_original', method);
  }

  /** As the client has named it. */
  #addServer({ authority, host, scheme }: ClientRequest): void {
    if (host === '') return;
    const colon = authority.lastIndexOf(':');
    const port = colon > authority.lastIndexOf(']') ? Number(authority.slice(colon + 1)) : defaultPorts[scheme];
    this.#writer.attribute('server.address', host);
    this.#writer.attribute('server.port', port);
  }

  /** What is hidden of the request is hidden wherever it goes. Empty: nothing of it may be shown. */
  #toShownTarget(target: string): string {
    const { redactor } = this.#means;
    if (redactor.hidesPath) return '';
    const { shownTarget, request } = this.#exchange;
    if (shownTarget === undefined || shownTarget === request.target) return redactor.showUrl(target);
    const question = target.indexOf('?');
    return question < 0 ? target : target.slice(0, question);
  }
}

/** How an exchange, or an attempt, has ended. */
function toSaid(status: number, grpcStatus: number | undefined): string {
  return grpcStatus === undefined ? String(status) : toStatusName(grpcStatus);
}

const VALUE_LENGTH_MAX = 2_048;

/** Clients write these as long as they like. */
function toShort(text: string | undefined): string | undefined {
  return text === undefined || text.length <= VALUE_LENGTH_MAX ? text : text.slice(0, VALUE_LENGTH_MAX);
}

function toKnownMethod(method: string): string | undefined {
  return knownMethods.has(method) ? method : undefined;
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
