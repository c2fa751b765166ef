/** A client without a socket: gives a request to the gateway and collects the answer. For tests and programs that embed the gateway. */
import type { GatewayError } from '#base/errors.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { dropForwardingFields, toForwardingFields } from '#wire/fields/forwarded.ts';
import { faults } from '#wire/http1/faults.ts';
import { isTargetOctet, isTokenOctet, isValueOctet } from '#wire/http1/octets.ts';
import {
  type ClientRequest,
  type ClientSide,
  Exchange,
  type ExchangeObserver,
  ForwardingFields,
  type TunnelSide,
} from './exchange.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import { normaliseTarget, parseHost, targetFaults } from './target.ts';

export interface InjectedRequest {
  /** `GET` when not given. */
  readonly method?: string;
  /** A path with query, or a whole URL; `/` when not given. */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** The listener that the request seems to come through; the first one when not given. */
  readonly listener?: string;
  /** `127.0.0.1` when not given. */
  readonly clientAddress?: string;
}

export interface InjectedAnswer {
  readonly status: number;
  /** By lower-case name; repeated fields are lists. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | readonly string[]>>;
  readonly requestId: string;
  /** Name of the route that took the request. */
  readonly route: string | undefined;
  text(): string;
  json(): unknown;
}

/** Whoever takes injected exchanges. */
export interface InjectionTarget extends ExchangeObserver {
  onExchange(exchange: Exchange): void;
  onRefusedRequest(exchange: Exchange, error: GatewayError): void;
}

export interface InjectionContext {
  readonly target: InjectionTarget;
  readonly nextRequestId: () => string;
  readonly nowMs: () => number;
  readonly defaultListener: string;
  readonly via: string;
  /** Told to a request that cannot be read. */
  readonly refuse: (reason: string) => GatewayError;
}

/** Resolves with the whole answer; rejects when the answer is broken off. */
export function inject(request: InjectedRequest, context: InjectionContext): Promise<InjectedAnswer> {
  return new Promise((resolve, reject) => new InjectedClient(request, context, { resolve, reject }).start());
}

interface Outcome {
  resolve(answer: InjectedAnswer): void;
  reject(error: Error): void;
}

class InjectedClient implements ClientSide {
  readonly #context: InjectionContext;
  readonly #outcome: Outcome;
  readonly #body: Buffer;
  readonly #exchange: Exchange;
  readonly #fault: string | undefined;
  readonly #chunks: Buffer[] = [];
  #head: ResponseHead | undefined = undefined;
  #isBodySent = false;

  constructor(request: InjectedRequest, context: InjectionContext, outcome: Outcome) {
    this.#context = context;
    this.#outcome = outcome;
    this.#body = Buffer.from(request.body ?? '');
    const { clientRequest, fault } = toClientRequest(request, this.#body.length, context);
    this.#fault = fault;
    const start = { requestId: context.nextRequestId(), startedMs: context.nowMs() };
    this.#exchange = new Exchange(this, context.target, clientRequest, start);
  }

  start(): void {
    const { target, refuse } = this.#context;
    if (this.#fault === undefined) target.onExchange(this.#exchange);
    else target.onRefusedRequest(this.#exchange, refuse(this.#fault));
  }

  describeClient(): undefined {}

  sendInformational(): void {
    // The caller sees the final answer only.
  }

  sendHead(response: ResponseHead): void {
    this.#head = response;
  }

  sendChunk(view: Buffer): boolean {
    if (!hasResponseBody(this.#exchange.request.method, this.#exchange.status)) return true;
    this.#exchange.responseBytes += view.length;
    // The view is lent; what is kept must be a copy.
    this.#chunks.push(Buffer.from(view));
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const exchange = this.#exchange;
    exchange.finish(this.#context.nowMs());
    const body = Buffer.concat(this.#chunks);
    this.#outcome.resolve({
      status: exchange.status,
      headers: toRecord(this.#head?.fields ?? []),
      body,
      trailers: toRecord(trailers ?? []),
      requestId: exchange.requestId,
      route: exchange.plan?.routeName,
      text: () => body.toString('utf8'),
      json: () => JSON.parse(body.toString('utf8')),
    });
  }

  abort(): void {
    const { error } = this.#exchange;
    this.#exchange.finish(this.#context.nowMs());
    this.#outcome.reject(error ?? this.#context.refuse('the answer broke off'));
  }

  resumeRequestBody(): void {
    if (this.#isBodySent) return;
    this.#isBodySent = true;
    const exchange = this.#exchange;
    exchange.requestBytes = this.#body.length;
    const shaped = exchange.plan?.shapeRequestChunk?.(exchange, this.#body) ?? this.#body;
    if (!Buffer.isBuffer(shaped)) return this.#context.target.onRefusedRequest(exchange, shaped);
    exchange.source?.onRequestChunk(shaped);
    exchange.source?.onRequestEnd(undefined);
  }

  pauseRequestBody(): void {
    // The whole body has been handed over already; it is in memory anyway.
  }

  openTunnel(): TunnelSide | undefined {
    this.#exchange.error ??= this.#context.refuse('an injected request cannot become a tunnel');
    this.abort();
    return undefined;
  }
}

function toClientRequest(
  request: InjectedRequest,
  bodyBytes: number,
  context: InjectionContext,
): { clientRequest: ClientRequest; fault: string | undefined } {
  const { method = 'GET', url = '/' } = request;
  const given = toFields(request.headers ?? {});
  const normalised = normaliseTarget(url, method);
  const isFault = typeof normalised === 'string';
  const authority = (isFault ? undefined : normalised.authority) ?? getField(given, 'host') ?? 'localhost';
  const scheme = /^https:/i.test(url) ? 'https' : 'http';
  const host = parseHost(authority);
  const address = request.clientAddress ?? '127.0.0.1';
  const forwarding = toForwardingFields({
    chain: [address],
    scheme,
    host: authority,
    version: '1.1',
    via: context.via,
    viaBefore: undefined,
  });
  const clientRequest: ClientRequest = {
    listener: request.listener ?? context.defaultListener,
    protocol: 'HTTP/1.1',
    method,
    path: isFault ? '' : normalised.path,
    query: isFault ? '' : normalised.query,
    target: isFault ? '' : normalised.target,
    authority,
    host: host ?? '',
    // As with a client that is not trusted, the gateway itself says where the request came from.
    fields: toForwarded(given),
    fieldText: undefined,
    contentLengthBytes: bodyBytes === 0 ? -1 : bodyBytes,
    hasBody: bodyBytes > 0,
    acceptsTrailers: true,
    expectsContinue: false,
    upgrade: undefined,
    clientAddress: address,
    peerAddress: address,
    clientPort: 0,
    scheme,
    forwardingFields: new ForwardingFields(forwarding),
  };
  const fault = findFault({ method, url, fields: given }) ?? (isFault ? targetFaults[normalised] : undefined);
  return { clientRequest, fault: fault ?? (host === undefined ? 'the host is malformed' : undefined) };
}

function toForwarded(given: readonly string[]): string[] {
  const fields = dropForwardingFields(given);
  removeField(fields, 'host');
  return fields;
}

/** No parser stands before an injected request, so bytes that would break out of its head upstream are looked for here. */
function findFault(request: { method: string; url: string; fields: readonly string[] }): string | undefined {
  if (!consistsOf(request.method, isTokenOctet) || request.method === '') return faults.method;
  if (!consistsOf(request.url, isTargetOctet)) return faults.target;
  for (let i = 0; i < request.fields.length; i += 2) {
    const name = request.fields[i]!;
    if (name === '' || !consistsOf(name, isTokenOctet)) return faults.fieldName;
    if (!consistsOf(request.fields[i + 1]!, isValueOctet)) return faults.fieldValue;
  }
  return undefined;
}

function consistsOf(text: string, isAllowed: (code: number) => boolean): boolean {
  for (let i = 0; i < text.length; i++) if (!isAllowed(text.charCodeAt(i))) return false;
  return true;
}

/** Framing is the gateway's own; what the caller says of it is left out. */
const ownNames: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'expect',
  'keep-alive',
]);

function toFields(headers: NonNullable<InjectedRequest['headers']>): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (ownNames.has(lower)) continue;
    for (const one of typeof value === 'string' ? [value] : value) fields.push(lower, one);
  }
  return fields;
}

/** Through a map, because a field may be called `constructor` or `__proto__`. */
function toRecord(fields: readonly string[]): Record<string, string | string[]> {
  const values = new Map<string, string | string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    const before = values.get(name);
    if (before === undefined) values.set(name, value);
    else if (typeof before === 'string') values.set(name, [before, value]);
    else before.push(value);
  }
  return Object.fromEntries(values);
}
