/** Makes what is kept of an exchange into what a recording holds of it. */
import { isIP } from 'node:net';
import type { Exchange } from '#http/exchange.ts';
import { decides } from '#http/exchange-journal.ts';
import type { ExchangeRecorder, TappedAnswer, TappedCall } from './exchange-recorder.ts';
import {
  RECORDING_VERSION,
  type RecordedAnswer,
  type RecordedBody,
  type RecordedCall,
  type RecordedConsumer,
  type RecordedDecision,
  type RecordedExchange,
} from './recorded-exchange.ts';
import type { ShownClient } from './recording-rules.ts';
import type { KeptBytes } from './redacted-body.ts';
import { toRecordedBody, type Unpack } from './redacted-body.ts';
import type { Redactor } from './redactor.ts';

/** A recorder's bodies, taken once for all who want a line of it. */
export interface TakenExchange {
  readonly recorder: ExchangeRecorder;
  readonly requestBody: KeptBytes;
  readonly answerBody: KeptBytes;
  readonly calls: readonly { readonly call: TappedCall; readonly body: KeptBytes }[];
}

export interface LineMeans {
  readonly redactor: Redactor;
  readonly shownClient: ShownClient;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
  readonly unpack: Unpack;
  /** What to add to monotonic time to get the time of day. */
  readonly wallOffsetMs: number;
  /** Names of parameters of the query that policies of the route take credentials from. */
  readonly parameters: readonly string[];
}

export function takeExchange(recorder: ExchangeRecorder): TakenExchange {
  return {
    recorder,
    requestBody: recorder.requestBody.take(),
    answerBody: recorder.answer.body.take(),
    calls: recorder.calls.map((call) => ({ call, body: call.answer.body.take() })),
  };
}

export function toRecorded(taken: TakenExchange, means: LineMeans): RecordedExchange {
  const { recorder } = taken;
  const { exchange, request } = recorder;
  const { redactor } = means;
  const { startedMs, finishedMs, upstreamHeadMs } = exchange;
  const body = toBody(taken.requestBody, request.fields, means.requestBytesMax, means);
  return {
    recording: RECORDING_VERSION,
    time: new Date(means.wallOffsetMs + startedMs).toISOString(),
    id: exchange.requestId,
    listener: request.listener,
    protocol: request.protocol,
    client: showClient(request.clientAddress, means.shownClient),
    request: {
      method: request.method,
      scheme: request.scheme,
      authority: request.authority,
      target: redactor.redactTarget(request.target, means.parameters),
      headers: redactor.redactFields(request.fields),
      body: request.hasBody ? body : undefined,
    },
    decision: toDecision(exchange),
    calls: taken.calls.map(({ call, body: kept }) => toCall(call, kept, taken, means)),
    answer: toAnswer(recorder.answer, taken.answerBody, means),
    durationMs: roundMs(finishedMs - startedMs),
    upstreamMs: upstreamHeadMs > 0 ? roundMs(upstreamHeadMs - startedMs) : undefined,
  };
}

function toDecision(exchange: Exchange): RecordedDecision {
  const { plan, consumer, journal } = exchange;
  return {
    route: plan?.routeName,
    service: exchange.serviceName,
    endpoint: exchange.endpointName,
    status: exchange.status,
    code: exchange.error?.code,
    cache: exchange.cacheResult,
    consumer: consumer && toConsumer(consumer),
    policies: (journal?.policies ?? []).filter(decides).map(({ policy, phase, decision, code, status }) => ({
      policy,
      phase,
      decision,
      code,
      status,
    })),
  };
}

function toConsumer({ name, groups, scopes, roles }: RecordedConsumer): RecordedConsumer {
  return { name, groups, scopes, roles };
}

function toCall(
  { attempt, head, fields, answer, code }: TappedCall,
  kept: KeptBytes,
  taken: TakenExchange,
  means: LineMeans,
): RecordedCall {
  const { redactor } = means;
  return {
    service: attempt.service,
    endpoint: attempt.endpoint,
    request: {
      method: head.method,
      authority: head.authority,
      target: redactor.redactTarget(head.target, means.parameters),
      headers: redactor.redactFields(fields),
    },
    answer: answer.status === 0 ? undefined : toCallAnswer(answer, kept, taken, means),
    code,
  };
}

/** Most answers reach the client as they came. */
function toCallAnswer(answer: TappedAnswer, kept: KeptBytes, { answerBody }: TakenExchange, means: LineMeans): RecordedAnswer {
  const isSame =
    kept.lengthBytes === answerBody.lengthBytes && kept.isWhole === answerBody.isWhole && kept.bytes.equals(answerBody.bytes);
  if (!isSame || kept.lengthBytes === 0) return toAnswer(answer, kept, means);
  return {
    ...toAnswer(answer, { bytes: noBytes, isWhole: true, lengthBytes: 0 }, means),
    body: { bytes: kept.lengthBytes, same: true },
  };
}

const noBytes = Buffer.alloc(0);

function toAnswer({ status, fields, trailers, isWhole }: TappedAnswer, kept: KeptBytes, means: LineMeans): RecordedAnswer {
  const { redactor } = means;
  return {
    status,
    headers: redactor.redactFields(fields),
    body: toBody(kept, fields, means.answerBytesMax, means),
    trailers: trailers && redactor.redactFields(trailers),
    ...(!isWhole && { incomplete: true as const }),
  };
}

/** Somebody else may have asked for more of it. */
function toBody(kept: KeptBytes, fields: readonly string[], bytesMax: number, { redactor, unpack }: LineMeans): RecordedBody {
  const isCut = kept.bytes.length > bytesMax;
  const bytes = isCut ? kept.bytes.subarray(0, bytesMax) : kept.bytes;
  return toRecordedBody({ bytes, isWhole: kept.isWhole && !isCut, lengthBytes: kept.lengthBytes }, fields, redactor, unpack);
}

/** A /24 of IPv4, a /48 of IPv6. */
function showClient(address: string, shown: ShownClient): string | undefined {
  if (shown === 'full') return address;
  if (shown === 'hidden') return undefined;
  const kind = isIP(address);
  if (kind === 4) return address.replace(/\d+$/, '0');
  if (kind !== 6) return undefined;
  if (address.includes('.')) return '::';
  const [left = '', right] = address.split('::', 2);
  const groups = left === '' ? [] : left.split(':');
  while (right !== undefined && groups.length < 3) groups.push('0');
  return `${groups.slice(0, 3).join(':')}::`;
}

function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
