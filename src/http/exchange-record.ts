/** One exchange as operators are shown it: plain data, without anything that is secret. */
import type { GatewayError } from '#base/errors.ts';
import type { CacheResult } from './cache-result.ts';
import type { CallRecord, Exchange, TriedAttempt } from './exchange.ts';
import type {
  AttemptCause,
  AttemptOutcomeName,
  AttemptStep,
  ChoiceStep,
  ExchangeJournal,
  PolicyStep,
} from './exchange-journal.ts';
import type { SecretNames } from './secret-names.ts';
import { hideSecretParameters } from './shown-request.ts';

export interface RecordedPolicy {
  readonly name: string;
  readonly phase: PolicyStep['phase'];
  readonly decision: PolicyStep['decision'];
  readonly durationMs: number;
  /** It waited for something, such as a key or another service. */
  readonly waited: boolean;
  /** Of a refusal. */
  readonly code?: string | undefined;
  /** Of an answer or a refusal. */
  readonly status?: number | undefined;
}

/** Times are milliseconds since the request was there. */
export interface RecordedAttempt {
  readonly service?: string | undefined;
  readonly endpoint: string;
  /** Why it was made; not known of exchanges that nobody watched. */
  readonly cause?: AttemptCause | undefined;
  readonly choice?: ChoiceStep | undefined;
  readonly startedMs?: number | undefined;
  /** When there was an open connection for it. */
  readonly connectedMs?: number | undefined;
  readonly reused?: boolean | undefined;
  /** When the head of its answer was there. */
  readonly headMs?: number | undefined;
  readonly durationMs: number;
  readonly outcome: AttemptOutcomeName;
  /** Of its answer, if there was one. */
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
}

/** What a policy, or the gateway itself, says of what it did. */
export interface RecordedNote {
  readonly about: string;
  readonly note: string;
}

export type RecordedCall = Omit<CallRecord, 'startedMs' | 'spanId'>;

export interface ExchangeRecord {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly listener: string;
  readonly protocol: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly client: string;
  readonly consumer?: string | undefined;
  readonly route?: string | undefined;
  readonly service?: string | undefined;
  readonly endpoint?: string | undefined;
  /** 0: there was no answer. */
  readonly status: number;
  readonly durationMs: number;
  /** When the head of the service's answer was there. */
  readonly upstreamMs?: number | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of the error that it ended with. */
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  /** What a policy would have refused it with that only reports. */
  readonly reported?: string | undefined;
  readonly cache?: CacheResult | undefined;
  /** Why somebody else has answered than who was asked first. */
  readonly fallback?: string | undefined;
  /** Why nothing more was tried although the settings would rather have another answer. */
  readonly notRetried?: string | undefined;
  readonly tunnel?: boolean | undefined;
  readonly batchOf?: string | undefined;
  /** In the order in which they have decided; empty where nobody watched. */
  readonly policies: readonly RecordedPolicy[];
  /** In the order in which they began. */
  readonly attempts: readonly RecordedAttempt[];
  /** What was asked for an answer that is made of several. */
  readonly calls?: readonly RecordedCall[] | undefined;
  readonly notes: readonly RecordedNote[];
}

/** `wallOffsetMs`: what to add to monotonic time to get the time of day. */
export function toExchangeRecord(exchange: Exchange, wallOffsetMs: number, names: SecretNames): ExchangeRecord {
  const { request, plan, journal, startedMs, upstreamHeadMs, error, reported } = exchange;
  return {
    id: exchange.requestId,
    at: new Date(wallOffsetMs + startedMs).toISOString(),
    listener: request.listener,
    protocol: request.protocol,
    method: request.method,
    host: request.host,
    target: hideSecretParameters(exchange.shownTarget ?? request.target, names),
    client: request.clientAddress,
    consumer: exchange.consumer?.name,
    route: plan?.routeName,
    service: exchange.serviceName,
    endpoint: exchange.endpointName,
    status: exchange.status,
    durationMs: round(exchange.finishedMs - startedMs),
    upstreamMs: upstreamHeadMs > 0 ? round(upstreamHeadMs - startedMs) : undefined,
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    code: error?.code,
    detail: toDetailText(error),
    reported: reported?.code,
    cache: exchange.cacheResult,
    fallback: exchange.fallbackReason,
    notRetried: exchange.notRetried,
    tunnel: exchange.isTunnel || undefined,
    batchOf: exchange.batchOf,
    policies: journal?.policies.map(toPolicy) ?? [],
    attempts: listAttempts(exchange, journal),
    calls: exchange.calls?.map(toCall),
    notes: journal?.notes.map(([about, note]) => ({ about, note })) ?? [],
  };
}

function toPolicy({ policy, phase, decision, startedMs, endedMs, hasWaited, code, status }: PolicyStep): RecordedPolicy {
  return { name: policy, phase, decision, durationMs: round(endedMs - startedMs), waited: hasWaited, code, status };
}

/** Field by field: whoever made the call has more. */
function toCall({
  name,
  service,
  endpoint,
  status,
  durationMs,
  bytes,
  outcome,
  code,
  attempts,
  count,
}: CallRecord): RecordedCall {
  return { name, service, endpoint, status, durationMs: round(durationMs), bytes, outcome, code, attempts, count };
}

function listAttempts(exchange: Exchange, journal: ExchangeJournal | undefined): RecordedAttempt[] {
  if (journal !== undefined) return journal.attempts.map((step) => toAttempt(step, exchange));
  return exchange.tried?.map(toTried) ?? [];
}

function toAttempt(step: AttemptStep, { startedMs }: Exchange): RecordedAttempt {
  const { service, endpoint, cause, choice, outcome, status, code, detail, wasReused } = step;
  const since = (ms: number) => (ms > 0 ? round(ms - startedMs) : undefined);
  return {
    service,
    endpoint,
    cause,
    choice,
    startedMs: since(step.startedMs),
    connectedMs: since(step.connectedMs),
    reused: wasReused,
    headMs: since(step.headMs),
    durationMs: round(step.endedMs - step.startedMs),
    // What still runs when the exchange is over is one that nobody waits for.
    outcome: outcome ?? 'left',
    status: status === 0 ? undefined : status,
    code,
    detail,
  };
}

/** Nobody watched: only those are known that were not the last. */
function toTried({ endpoint, outcome, detail, durationMs }: TriedAttempt): RecordedAttempt {
  const text = detail === undefined ? undefined : JSON.stringify(detail);
  const all = { endpoint, durationMs: round(durationMs), detail: text };
  if (typeof outcome === 'number') return { ...all, outcome: 'unwanted', status: outcome };
  return outcome === 'slower' ? { ...all, outcome } : { ...all, outcome: 'failed', code: outcome };
}

function toDetailText(error: GatewayError | undefined): string | undefined {
  return error?.detail === undefined ? undefined : JSON.stringify(error.detail);
}

/** Microseconds are as exact as it gets. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
