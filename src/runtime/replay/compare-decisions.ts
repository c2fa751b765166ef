/** Compares what a configuration makes of a request with what was recorded. */
import { type DiffRules, diffAnswers } from '#http/answer-diff/answer-diff.ts';
import type { Difference } from '#http/answer-diff/difference.ts';
import type { Exchange } from '#http/exchange.ts';
import { decides } from '#http/exchange-journal.ts';
import type { InjectedAnswer } from '#http/inject.ts';
import { SecretNames } from '#http/secret-names.ts';
import { bodyOfCall, toFieldList, toPlainBytes, withoutRedacted } from '#telemetry/recording/recorded-bytes.ts';
import type { RecordedExchange, RecordedFields } from '#telemetry/recording/recorded-exchange.ts';
import { unpack } from '#telemetry/recording/unpack.ts';
import type { ReplayedCall } from './recorded-upstreams.ts';
import { type ReplayChange, toAnswerChange } from './replay-change.ts';

const secretNames = new SecretNames();

export interface ReplayedExchange {
  readonly exchange: Exchange;
  /** `undefined`: the answer broke off. */
  readonly answer: InjectedAnswer | undefined;
  readonly calls: readonly ReplayedCall[];
}

export interface ComparedReplay {
  readonly changes: readonly ReplayChange[];
  /** Of the answers, with what was there before and afterwards. */
  readonly differences: readonly Difference[];
  readonly uncompared: string | undefined;
}

export function compareReplay(recorded: RecordedExchange, replayed: ReplayedExchange, rules: DiffRules): ComparedReplay {
  const decisions = [...compareDecisions(recorded, replayed.exchange), ...compareCalls(recorded, replayed.calls)];
  // What a service would have said to it, nobody knows.
  const isUnknown = replayed.calls.some((call) => call.recorded === undefined);
  if (isUnknown || replayed.answer === undefined || recorded.answer.status === 0)
    return {
      changes: decisions,
      differences: [],
      uncompared: isUnknown ? 'a service was asked that had not been asked' : undefined,
    };
  const { differences, uncompared } = diffAnswers(toComparedRecorded(recorded), toComparedInjected(replayed.answer), rules);
  const shown = toTelling(differences);
  // The statuses are decisions already.
  const changes = shown.filter(({ part }) => part !== 'status').map(toAnswerChange);
  return { changes: [...decisions, ...changes], differences: shown, uncompared };
}

function compareDecisions({ decision, calls }: RecordedExchange, exchange: Exchange): ReplayChange[] {
  const { plan, serviceName, error, cacheResult } = exchange;
  const changes: ReplayChange[] = [];
  const add = (what: string, before: string | undefined, after: string | undefined) => {
    if (before !== after) changes.push({ what, before, after });
  };
  add('route', decision.route, plan?.routeName);
  add('service', decision.service, serviceName);
  add('status', String(decision.status), String(exchange.status));
  add('error', decision.code, error?.code);
  // What was in the cache before the recording began, is not in this one.
  if (calls.length > 0) add('cache', decision.cache, cacheResult);
  const before = toVerdicts(decision.policies);
  const after = toVerdicts((exchange.journal?.policies ?? []).filter(decides));
  for (const name of new Set([...before.keys(), ...after.keys()]))
    add(`policy ${name}`, before.get(name) ?? 'pass', after.get(name) ?? 'pass');
  return changes;
}

interface Step {
  readonly policy: string;
  readonly decision: string;
  readonly code?: string | undefined;
}

/** The last word of each policy. */
function toVerdicts(steps: readonly Step[]): Map<string, string> {
  return new Map(steps.map(({ policy, decision, code }) => [policy, code === undefined ? decision : `${decision} ${code}`]));
}

/** They differ from request to request, or tell of where the gateway stands. */
const passedFields: ReadonlySet<string> = new Set(['x-request-id', 'traceparent', 'tracestate', 'via', 'content-length', 'date']);

function compareCalls(recorded: RecordedExchange, calls: readonly ReplayedCall[]): ReplayChange[] {
  const changes: ReplayChange[] = [];
  const answered = new Set(calls.map((call) => call.recorded));
  for (const call of recorded.calls) if (!answered.has(call)) changes.push({ what: `call to ${call.service} left out` });
  for (const { request, recorded: before } of calls) {
    if (before === undefined) {
      changes.push({ what: `call to ${request.service} added` });
      continue;
    }
    const { method, target, headers } = before.request;
    if (method !== request.method) changes.push({ what: 'sent method', before: method, after: request.method });
    if (withoutRedacted(target) !== withoutRedacted(request.target)) changes.push({ what: 'sent target' });
    changes.push(...compareSentFields(headers, request.fields));
  }
  return changes;
}

function compareSentFields(recorded: RecordedFields, sent: readonly string[]): ReplayChange[] {
  const before = collect(toFieldList(recorded));
  const after = collect(sent);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort().filter((name) => !passedFields.has(name));
  return names.flatMap((name) => {
    const one = before.get(name);
    const other = after.get(name);
    if (one === other) return [];
    // What was replaced cannot be compared: whether a service is shown a credential is up to whom it was shown to.
    if (one?.includes('redacted:') || other?.includes('redacted:')) return [];
    if (one !== undefined && other !== undefined && secretNames.isField(name)) return [];
    return [{ what: `sent field ${name}${one === undefined ? ' added' : other === undefined ? ' removed' : ''}` }];
  });
}

function collect(fields: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    const before = values.get(name);
    values.set(name, before === undefined ? fields[i + 1]! : `${before}, ${fields[i + 1]}`);
  }
  return values;
}

export function toComparedRecorded(recorded: RecordedExchange): Parameters<typeof diffAnswers>[0] {
  const { answer, request } = recorded;
  const { bytes, isWhole } = toPlainBytes(bodyOfCall(recorded, answer));
  const isBodiless = request.method === 'HEAD';
  const lengthBytes = answer.body?.redacted === true || answer.body?.coding !== undefined ? undefined : answer.body?.bytes;
  const isKept = answer.body?.omitted === undefined;
  return {
    status: answer.status,
    fields: toFieldList(answer.headers),
    body: isBodiless || !isKept ? undefined : { bytes, isWhole, lengthBytes },
  };
}

function toComparedInjected({ status, headers, body }: InjectedAnswer): Parameters<typeof diffAnswers>[1] {
  const fields = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  return toComparedPlain(status, fields, body);
}

/** As a client reads it. */
export function toComparedPlain(status: number, fields: readonly string[], body: Buffer): Parameters<typeof diffAnswers>[1] {
  const codingAt = fields.findIndex((name, i) => i % 2 === 0 && name === 'content-encoding');
  const coding = codingAt < 0 ? undefined : fields[codingAt + 1]!.trim().toLowerCase();
  const plain = coding === undefined || coding === 'identity' ? body : unpack(coding, body);
  const bytes = plain ?? body;
  const lengthBytes = coding === undefined ? bytes.length : undefined;
  return { status, fields, body: { bytes, isWhole: true, lengthBytes } };
}

/** What was replaced cannot be compared, and with another status all the rest is different anyway. */
export function toTelling(differences: readonly Difference[]): Difference[] {
  const statuses = differences.filter(({ part }) => part === 'status');
  return statuses.length > 0 ? statuses : differences.filter((difference) => !isRedacted(difference));
}

function isRedacted({ before, part, at }: Difference): boolean {
  return before?.includes('redacted:') === true || (part === 'field' && secretNames.isField(at) && at !== 'set-cookie');
}
