/**
 * B3, the propagation of Zipkin, in one field (`b3`) or in several (`x-b3-traceid`, ...). As with `traceparent`, what is not exactly
 * right is as good as none.
 */
import { isId, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from './hex-ids.ts';
import type { ReceivedContext, ReceivedDecision } from './received-context.ts';
import type { SentContext } from './trace-parent.ts';

/** Of the older form. */
const SHORT_TRACE_ID_DIGITS = 16;

/** `TRACE ID-SPAN ID`, with `-SAMPLED` and `-PARENT SPAN ID` behind it; or what is to be recorded alone. */
export function parseB3(text: string): ReceivedContext | ReceivedDecision | undefined {
  const parts = text.split('-', 5);
  const [traceId = '', spanId, sampled, parentId] = parts;
  if (spanId === undefined) return toDecision(readSampled(traceId));
  if (parts.length > 4 || (parentId !== undefined && !isId(parentId, SPAN_ID_DIGITS))) return undefined;
  const isSampled = sampled === undefined ? undefined : readSampled(sampled);
  return sampled !== undefined && isSampled === undefined ? undefined : toContext(traceId, spanId, isSampled);
}

/** Their values, as far as they were sent. */
export interface B3Fields {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly sampled: string | undefined;
  readonly flags: string | undefined;
}

export function parseB3Fields({ traceId, spanId, sampled, flags }: B3Fields): ReceivedContext | ReceivedDecision | undefined {
  // Debug means that it is recorded, and `x-b3-sampled` is left out then.
  const isSampled = flags === '1' ? true : sampled === undefined ? undefined : readSampled(sampled);
  if (sampled !== undefined && isSampled === undefined) return undefined;
  return traceId === undefined && spanId === undefined
    ? toDecision(isSampled)
    : toContext(traceId ?? '', spanId ?? '', isSampled);
}

export function formatB3({ traceId, isSampled }: SentContext, spanId: string): string {
  return `${traceId}-${spanId}-${isSampled ? '1' : '0'}`;
}

function toContext(traceId: string, parentId: string, isSampled: boolean | undefined): ReceivedContext | undefined {
  const isShort = traceId.length === SHORT_TRACE_ID_DIGITS;
  if (!isId(traceId, isShort ? SHORT_TRACE_ID_DIGITS : TRACE_ID_DIGITS) || !isId(parentId, SPAN_ID_DIGITS)) return undefined;
  return { traceId: traceId.padStart(TRACE_ID_DIGITS, '0'), parentId, isSampled, isRandom: false };
}

function toDecision(isSampled: boolean | undefined): ReceivedDecision | undefined {
  return isSampled === undefined ? undefined : { traceId: undefined, isSampled };
}

/** `true` and `false` are of older clients; `d` is debug. */
function readSampled(text: string): boolean | undefined {
  if (text === '1' || text === 'd' || text === 'true') return true;
  return text === '0' || text === 'false' ? false : undefined;
}
