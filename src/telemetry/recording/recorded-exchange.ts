/**
 * One line of a recording: an exchange as it was, without what is secret. The format is for other programs too, so that a member
 * never changes what it means: one that has to becomes another version.
 */

/** The first member of every line, so that a file shows what it is. */
export const RECORDING_VERSION = 1;

/** Names in lower case, in order; a field that stands there twice is there twice. */
export type RecordedFields = readonly (readonly [name: string, value: string])[];

export interface RecordedBody {
  /** How long it was, as it was sent. */
  readonly bytes: number;
  /** What is kept of it, where it is UTF-8. */
  readonly text?: string | undefined;
  /** What is kept of it, where it is not. */
  readonly base64?: string | undefined;
  /** Only the beginning is kept. */
  readonly truncated?: true | undefined;
  /** Something in it was replaced, so that what is kept is not as long as it was. */
  readonly redacted?: true | undefined;
  /** How it was compressed; what is kept is not. */
  readonly coding?: string | undefined;
  /** Why nothing of it is kept. */
  readonly omitted?: string | undefined;
  /** Of the answer to a call: it is the one of the answer that the client got. */
  readonly same?: true | undefined;
}

export interface RecordedRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
  readonly headers: RecordedFields;
  readonly body?: RecordedBody | undefined;
}

export interface RecordedAnswer {
  /** 0: there was none. */
  readonly status: number;
  readonly headers: RecordedFields;
  readonly body?: RecordedBody | undefined;
  readonly trailers?: RecordedFields | undefined;
  /** It broke off. */
  readonly incomplete?: true | undefined;
}

/** A request to a service, and what it answered. */
export interface RecordedCall {
  readonly service: string;
  readonly endpoint: string;
  readonly request: Omit<RecordedRequest, 'scheme' | 'body'>;
  readonly answer?: RecordedAnswer | undefined;
  /** Of the error that it ended with. */
  readonly code?: string | undefined;
}

export interface RecordedPolicyStep {
  readonly policy: string;
  readonly phase: string;
  readonly decision: string;
  readonly code?: string | undefined;
  readonly status?: number | undefined;
}

export interface RecordedConsumer {
  readonly name: string;
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

/** What the gateway made of the request. */
export interface RecordedDecision {
  readonly route?: string | undefined;
  readonly service?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly status: number;
  readonly code?: string | undefined;
  readonly cache?: string | undefined;
  readonly consumer?: RecordedConsumer | undefined;
  readonly policies: readonly RecordedPolicyStep[];
}

export interface RecordedExchange {
  readonly recording: typeof RECORDING_VERSION;
  /** ISO 8601, UTC: when the request's head was there. */
  readonly time: string;
  readonly id: string;
  readonly listener: string;
  readonly protocol: string;
  /** Missing where it is hidden. */
  readonly client?: string | undefined;
  readonly request: RecordedRequest;
  readonly decision: RecordedDecision;
  /** In the order in which they began. */
  readonly calls: readonly RecordedCall[];
  readonly answer: RecordedAnswer;
  readonly durationMs: number;
  readonly upstreamMs?: number | undefined;
}
