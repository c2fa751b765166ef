/**
 * The field `traceparent` (W3C Trace Context, level 2, §3.2): `00-TRACE ID-PARENT ID-FLAGS`. Anybody can send it, so whatever is not
 * exactly as the specification says is as good as none.
 */
import { isId, isLowerHex, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from './hex-ids.ts';
import type { ReceivedContext } from './received-context.ts';

/** Of version 00: all of it. */
const LENGTH = 55;
const FLAG_SAMPLED = 1;
const FLAG_RANDOM = 2;

export function parseTraceParent(text: string): (ReceivedContext & SentContext) | undefined {
  if (text.length < LENGTH || text[2] !== '-' || text[35] !== '-' || text[52] !== '-') return undefined;
  const version = text.slice(0, 2);
  // §3.2.2.1: `ff` is forbidden.
  if (!isLowerHex(version) || version === 'ff') return undefined;
  // §4.3: later versions may say more behind what this one says, and never something else in its place.
  if (text.length > LENGTH && (version === '00' || text[LENGTH] !== '-')) return undefined;
  const traceId = text.slice(3, 35);
  const parentId = text.slice(36, 52);
  const flagText = text.slice(53, LENGTH);
  if (!isId(traceId, TRACE_ID_DIGITS) || !isId(parentId, SPAN_ID_DIGITS) || !isLowerHex(flagText)) return undefined;
  const flags = Number.parseInt(flagText, 16);
  return { traceId, parentId, isSampled: (flags & FLAG_SAMPLED) !== 0, isRandom: (flags & FLAG_RANDOM) !== 0 };
}

/** What a request that is sent on says. */
export interface SentContext {
  readonly traceId: string;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
}

/** `spanId`: that of the span that the request is sent in. Flags that have no meaning yet are not passed on (§3.2.2.5). */
export function formatTraceParent({ traceId, isSampled, isRandom }: SentContext, spanId: string): string {
  return VERSION_PREFIX + traceId + formatTraceParentEnd(spanId, isSampled, isRandom);
}

export const VERSION_PREFIX = '00-';

/** What stands behind the trace id. */
export function formatTraceParentEnd(spanId: string, isSampled: boolean, isRandom: boolean): string {
  return `-${spanId}-0${(isSampled ? FLAG_SAMPLED : 0) + (isRandom ? FLAG_RANDOM : 0)}`;
}
