/** Where the value of each field comes from, for requests and for connections whose bytes are passed on. */
import type { TcpConnection } from '#forward/tcp-connection.ts';
import { readClaimText } from '#http/claims.ts';
import type { CallRecord, Exchange, TriedAttempt } from '#http/exchange.ts';
import { decodeWhole, findQueryParameter } from '#http/query-parameter.ts';
import type { LogField, PlainLogField } from '#schema/log-field-names.ts';
import { getField } from '#wire/fields/field-list.ts';
import { readFieldBytes, toAsciiJson } from './line-text.ts';
import { type LineTime, toMs } from './line-time.ts';
import { REDACTED, type Redactor } from './redactor.ts';

/** What all lines are made with. */
export interface LineMeans {
  readonly time: LineTime;
  readonly redactor: Redactor;
  /** By which the present configuration is known; `undefined` where it has no name. */
  configuration: string | undefined;
}

/** `json`: what it reads is JSON already, such as a number. */
export interface ValueReader<Subject> {
  readonly form: 'text' | 'json';
  /** `undefined`: there is none. */
  read(subject: Subject, means: LineMeans): string | undefined;
}

type Read<Subject> = (subject: Subject, means: LineMeans) => string | undefined;

const text = <Subject>(read: Read<Subject>): ValueReader<Subject> => ({ form: 'text', read });
const json = <Subject>(read: Read<Subject>): ValueReader<Subject> => ({ form: 'json', read });
const none = text(() => undefined);

const exchangeReaders: Readonly<Record<PlainLogField, ValueReader<Exchange>>> = {
  time: text(({ startedMs }, { time }) => time.isoText(startedMs)),
  'time.common': text(({ startedMs }, { time }) => time.commonText(startedMs)),
  'time.unixMs': json(({ startedMs }, { time }) => String(time.wallMs(startedMs))),
  id: text(({ requestId }) => requestId),
  client: text(({ request }, { redactor }) => redactor.showAddress('client', request.clientAddress)),
  peer: text(({ request }, { redactor }) => redactor.showAddress('peer', request.peerAddress)),
  port: json(({ request }) => String(request.clientPort)),
  listener: text(({ request }) => request.listener),
  protocol: text(({ request }) => request.protocol),
  scheme: text(({ request }) => request.scheme),
  method: text(({ request }) => request.method),
  host: text(({ request }) => request.host),
  target: text((exchange, { redactor }) => redactor.showTarget(exchange)),
  path: text((exchange, { redactor }) => redactor.showPath(exchange)),
  query: text((exchange, { redactor }) => redactor.showQuery(exchange)),
  serverName: none,
  status: json(({ status }) => String(status)),
  requestBytes: json(({ requestBytes }) => String(requestBytes)),
  responseBytes: json(({ responseBytes }) => String(responseBytes)),
  route: text(({ plan }) => plan?.routeName),
  service: text(({ serviceName }) => serviceName),
  endpoint: text(({ endpointName }) => endpointName),
  durationMs: json(({ finishedMs, startedMs }) => toMs(finishedMs - startedMs)),
  upstreamMs: json(({ upstreamHeadMs, startedMs }) => (upstreamHeadMs > 0 ? toMs(upstreamHeadMs - startedMs) : undefined)),
  connectMs: none,
  traceId: text(({ trace }) => (trace?.isSampled === true ? trace.traceId : undefined)),
  spanId: text(({ trace }) => (trace?.isSampled === true ? trace.spanId : undefined)),
  batchOf: text(({ batchOf }) => batchOf),
  consumer: text(({ consumer }) => consumer?.name),
  groups: json(({ consumer }) => consumer && toAsciiJson(consumer.groups)),
  attempts: json(({ attempts }) => (attempts > 1 ? String(attempts) : undefined)),
  calls: json(({ calls }) => calls && toCallsText(calls)),
  tried: json(({ tried }) => tried && toTriedText(tried)),
  notRetried: text(({ notRetried }) => notRetried),
  fallback: text(({ fallbackReason }) => fallbackReason),
  cache: text(({ cacheResult }) => cacheResult),
  tunnel: json(({ isTunnel }) => (isTunnel ? 'true' : undefined)),
  code: text(({ error }) => error?.code),
  detail: json(({ error }) => error?.detail && toAsciiJson(error.detail)),
  reported: json(({ reported }) => reported && toAsciiJson({ code: reported.code, detail: reported.detail })),
  configuration: text((_, { configuration }) => configuration),
};

const tcpReaders: Readonly<Partial<Record<PlainLogField, ValueReader<TcpConnection>>>> = {
  time: text(({ startedMs }, { time }) => time.isoText(startedMs)),
  'time.common': text(({ startedMs }, { time }) => time.commonText(startedMs)),
  'time.unixMs': json(({ startedMs }, { time }) => String(time.wallMs(startedMs))),
  id: text(({ id }) => id),
  client: text(({ accepted }, { redactor }) => redactor.showAddress('client', accepted.clientAddress)),
  listener: text(({ listener }) => listener),
  protocol: text(() => 'tcp'),
  serverName: text(({ serverName }) => serverName),
  requestBytes: json(({ clientBytes }) => String(clientBytes)),
  responseBytes: json(({ upstreamBytes }) => String(upstreamBytes)),
  service: text(({ serviceName }) => serviceName),
  endpoint: text(({ endpointName }) => endpointName),
  durationMs: json(({ finishedMs, startedMs }) => toMs(finishedMs - startedMs)),
  connectMs: json(({ connectedMs, startedMs }) => (connectedMs > 0 ? toMs(connectedMs - startedMs) : undefined)),
  attempts: json(({ attempts }) => (attempts > 1 ? String(attempts) : undefined)),
  code: text(({ error }) => error?.code),
  detail: json(({ error }) => error?.detail && toAsciiJson(error.detail)),
  configuration: text((_, { configuration }) => configuration),
};

export function findExchangeReader(field: LogField, redactor: Redactor): ValueReader<Exchange> {
  const reader = field.name === undefined ? exchangeReaders[field.kind] : readNamed(field.kind, field.name, redactor);
  return redactor.hides(field) ? hide(reader) : reader;
}

export function findTcpReader(field: LogField, redactor: Redactor): ValueReader<TcpConnection> {
  const reader = (field.name === undefined ? tcpReaders[field.kind] : undefined) ?? none;
  return redactor.hides(field) ? hide(reader) : reader;
}

type NamedKind = Extract<LogField, { name: string }>['kind'];

function readNamed(kind: NamedKind, name: string, redactor: Redactor): ValueReader<Exchange> {
  const showField = (value: string | undefined) =>
    value === undefined ? undefined : readFieldBytes(redactor.showHeader(name, value));
  switch (kind) {
    case 'request.header':
      return text((exchange) => showField(exchange.field(name)));
    case 'response.header':
      return text(({ sentFields }) => (sentFields === undefined ? undefined : showField(getField(sentFields, name))));
    case 'query':
      return text(({ request }) => decode(request.query === '' ? undefined : findQueryParameter(request.query, name)));
    case 'claim':
      return text(({ consumer }) => readClaimText(consumer?.claims, name));
    case 'path':
      return text(({ captureNames, captures }) => decode(captures[captureNames.indexOf(name)]));
    default:
      return kind satisfies never;
  }
}

function hide<Subject>(reader: ValueReader<Subject>): ValueReader<Subject> {
  return text((subject, means) => (reader.read(subject, means) === undefined ? undefined : REDACTED));
}

function decode(value: string | undefined): string | undefined {
  return value === undefined ? undefined : decodeWhole(value);
}

/** The attempts before the one that the rest of the line is about. */
export function toTriedText(tried: readonly TriedAttempt[]): string {
  return toAsciiJson(tried.map((attempt) => ({ ...attempt, durationMs: Math.round(attempt.durationMs * 1000) / 1000 })));
}

/** Names are those of the configuration: letters, digits and signs that JSON leaves as they are. */
export function toCallsText(calls: readonly CallRecord[]): string {
  let written = '';
  for (const { name, service, endpoint, status, durationMs, bytes, outcome, code, attempts, count } of calls) {
    written += `${written === '' ? '[' : ','}{"name":"${name}","service":"${service}","outcome":"${outcome}"`;
    if (endpoint !== undefined) written += `,"endpoint":${toAsciiJson(endpoint)}`;
    if (status !== 0) written += `,"status":${status},"bytes":${bytes}`;
    if (attempts > 1) written += `,"attempts":${attempts}`;
    if (count !== 1) written += `,"count":${count}`;
    if (code !== undefined) written += `,"code":"${code}"`;
    written += `,"durationMs":${toMs(durationMs)}}`;
  }
  return `${written}]`;
}
