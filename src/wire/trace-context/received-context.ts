/** What a request says of the trace that it belongs to, whatever the format. */
export interface ReceivedContext {
  /** 32 digits. */
  readonly traceId: string;
  /** Of the span that the request was sent in: 16 digits. */
  readonly parentId: string;
  /** Whether whoever sent it records the trace; `undefined`: it leaves that to others. */
  readonly isSampled: boolean | undefined;
  /** The trace id is random enough to draw samples by (Trace Context level 2). */
  readonly isRandom: boolean;
}

/** What only says whether a trace is recorded that has no id yet. */
export interface ReceivedDecision {
  readonly traceId: undefined;
  readonly isSampled: boolean;
}
