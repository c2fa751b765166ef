/** What a gateway has done with one request, as a rehearsal sees it. */
import type { SentRequest } from './stub-answer.ts';

/** What was sent to a service, and what it said. */
export interface ServiceExchange {
  readonly request: SentRequest;
  /** Of its answer; a text says how it failed. */
  readonly outcome: number | string;
  /** Nobody has said what the service answers. */
  readonly isUnstubbed: boolean;
}

export interface PolicyDecisionStep {
  readonly policy: string;
  readonly decision: 'pass' | 'refuse' | 'answer' | 'fail';
  readonly code?: string | undefined;
}

export interface Refusal {
  readonly code: string;
  /** Which policy it comes from; `undefined`: none, but the gateway itself. */
  readonly policy: string | undefined;
  readonly status: number;
  readonly help: string;
  /** Facts for logs. */
  readonly detail: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

export interface Decision {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly host: string;
    /** Normalised. */
    readonly path: string;
    readonly query: string;
    readonly listener: string;
    readonly clientAddress: string;
  };
  /** `undefined`: no route takes it. */
  readonly route: string | undefined;
  readonly captures: Readonly<Record<string, string>>;
  readonly consumer: string | undefined;
  /** Those that have had a word on the request, in the order of execution. */
  readonly policies: readonly PolicyDecisionStep[];
  /** Services that were asked, in the order of their first request, mirrors and services that decide included. */
  readonly services: readonly string[];
  readonly sent: readonly ServiceExchange[];
  /** 0: the answer has broken off. */
  readonly status: number;
  /** By lower-case name; repeated fields are lists. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  readonly refusal: Refusal | undefined;
  /** Why a fallback has answered: a code, or a status. */
  readonly fallback: string | undefined;
  readonly cache: string | undefined;
}

/** A decision without what differs from run to run, to be kept and compared. */
export interface DecisionSnapshot {
  readonly request: string;
  readonly route: string | null;
  readonly consumer: string | null;
  readonly policies: readonly string[];
  readonly sent: readonly { readonly service: string; readonly request: string; readonly host: string }[];
  readonly status: number;
  readonly refusal: string | null;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: unknown;
}

/** Fields whose values say when, or which request, and not what was decided. */
const passingFields: ReadonlySet<string> = new Set(['date', 'age', 'x-request-id', 'traceparent']);

export function toSnapshot(decision: Decision): DecisionSnapshot {
  const { request, route, consumer, policies, sent, status, headers, refusal } = decision;
  return {
    request: `${request.method} ${request.url}`,
    route: route ?? null,
    consumer: consumer ?? null,
    policies: policies.map(({ policy, decision: said, code }) => `${policy}: ${said}${code === undefined ? '' : ` ${code}`}`),
    sent: sent.map(({ request: { service, method, path, query, host } }) => ({
      service,
      request: `${method} ${path}${query === '' ? '' : `?${query}`}`,
      host,
    })),
    status,
    refusal: refusal?.code ?? null,
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => !passingFields.has(name))
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    ),
    body: toBody(decision),
  };
}

function toBody({ body, headers }: Decision): unknown {
  const type = headers['content-type'];
  if (typeof type !== 'string' || !/^application\/(?:[\w.-]+\+)?json\b/.test(type)) return body;
  const value = readJson(body);
  if (typeof value !== 'object' || value === null || !('requestId' in value)) return value;
  const { requestId: _id, ...rest } = value;
  return rest;
}

/** The text itself, where it is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever it is, it is not what its type says: whoever compares sees it as it is.
    return text;
  }
}
