/** A client without a socket: gives a request to the gateway and collects the answer. For tests and programs that embed the gateway. */
import { GatewayError } from '#base/errors.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { dropForwardingFields, toForwardingFields } from '#wire/fields/forwarded.ts';
import { type CollectedAnswer, CollectingClient, type CollectionOwner } from './collecting-client.ts';
import { type ClientRequest, type Exchange, ForwardingFields } from './exchange.ts';
import { normaliseTarget, parseHost, targetFaults } from './target.ts';
import { findHeadFault } from './written-request.ts';

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
export interface InjectionTarget extends CollectionOwner {
  onExchange(exchange: Exchange): void;
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
  const { target, refuse, nowMs } = context;
  const body = Buffer.from(request.body ?? '');
  const { clientRequest, fault } = toClientRequest(request, body.length, context);
  return new Promise((resolve, reject) => {
    const { exchange } = new CollectingClient({
      request: clientRequest,
      body,
      requestId: context.nextRequestId(),
      answerBytesMax: Number.POSITIVE_INFINITY,
      tooLong: () => refuse('the answer is too long'),
      owner: target,
      nowMs,
      onEnded: (outcome) => (outcome instanceof GatewayError ? reject(outcome) : resolve(toInjectedAnswer(exchange, outcome))),
    });
    if (fault === undefined) target.onExchange(exchange);
    else target.onRefusedRequest(exchange, refuse(fault));
  });
}

function toInjectedAnswer({ requestId, plan }: Exchange, { status, fields, body, trailers }: CollectedAnswer): InjectedAnswer {
  return {
    status,
    headers: toRecord(fields),
    body,
    trailers: toRecord(trailers ?? []),
    requestId,
    route: plan?.routeName,
    text: () => body.toString('utf8'),
    json: () => JSON.parse(body.toString('utf8')),
  };
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
  const fault = findHeadFault({ method, target: url, fields: given }) ?? (isFault ? targetFaults[normalised] : undefined);
  return { clientRequest, fault: fault ?? (host === undefined ? 'the host is malformed' : undefined) };
}

function toForwarded(given: readonly string[]): string[] {
  const fields = dropForwardingFields(given);
  removeField(fields, 'host');
  return fields;
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
