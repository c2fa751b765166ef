/** A span that is over, as a thread tells the control thread of it. Times are wall time. */
export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly isParentRemote: boolean;
  readonly traceState: string | undefined;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  /** Names and values, alternating. What is `undefined` is left out. */
  readonly attributes: readonly SpanValue[];
  /** Where metrics count how long it took. */
  readonly counted?: CountedSpan;
}

export interface CountedSpan {
  /** Listener, route and service; empty where there was none. */
  readonly labels: readonly [listener: string, route: string, service: string];
  readonly durationMs: number;
}

export type SpanValue = string | number | boolean | undefined;
