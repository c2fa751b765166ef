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
}

export type SpanValue = string | number | boolean | undefined;
