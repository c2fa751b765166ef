/** Spans as OTLP, the messages that collectors take (opentelemetry/proto/collector/trace/v1, version 1.9 of the definitions). */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { ProtobufWriter } from '#wire/protobuf/protobuf-writer.ts';
import type { SpanRecord, SpanValue } from './span-record.ts';

/** Numbers of fields, by message. */
const exportAt = { resourceSpans: 1 } as const;
const resourceSpansAt = { resource: 1, scopeSpans: 2 } as const;
const resourceAt = { attributes: 1 } as const;
const scopeSpansAt = { scope: 1, spans: 2 } as const;
const scopeAt = { name: 1 } as const;
const spanAt = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTime: 7,
  endTime: 8,
  attributes: 9,
  status: 15,
  flags: 16,
} as const;
const statusAt = { code: 3 } as const;
const pairAt = { key: 1, value: 2 } as const;
const valueAt = { text: 1, truth: 2, integer: 3, double: 4 } as const;

const spanKinds = { internal: 1, server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** The lowest byte is that of `traceparent`. */
const flags = { sampled: 0x1, knowsIfParentIsRemote: 0x100, isParentRemote: 0x200 } as const;
const NANOS_PER_MICRO = 1_000;
const WORD = 2 ** 32;
/** Of 64 bits with a sign. */
const INTEGER_LIMIT = 2 ** 63;

/** The bytes of a message to a collector. `resource`: what is said of the gateway. */
export function encodeSpans(spans: readonly SpanRecord[], resource: Readonly<Record<string, string>>): Buffer {
  const writer = new ProtobufWriter();
  const resourceSpans = writer.begin(exportAt.resourceSpans);
  const resourceStart = writer.begin(resourceSpansAt.resource);
  for (const [name, value] of Object.entries(resource)) writeAttribute(writer, resourceAt.attributes, name, value);
  writer.end(resourceStart);
  const scopeSpans = writer.begin(resourceSpansAt.scopeSpans);
  const scope = writer.begin(scopeSpansAt.scope);
  writer.text(scopeAt.name, 'gatehouse');
  writer.end(scope);
  for (const span of spans) writeSpan(writer, span);
  writer.end(scopeSpans);
  writer.end(resourceSpans);
  return writer.take();
}

/** How many spans of a message a collector says that it has left out. */
export function readRejectedCount(answer: Buffer): number {
  try {
    return Number(ProtobufTraceSerializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0);
  } catch {
    // What a collector says that nobody understands changes nothing of what it has taken.
    return 0;
  }
}

function writeSpan(writer: ProtobufWriter, span: SpanRecord): void {
  const { traceState, parentId, attributes } = span;
  const start = writer.begin(scopeSpansAt.spans);
  writer.hex(spanAt.traceId, span.traceId);
  writer.hex(spanAt.spanId, span.spanId);
  if (traceState !== undefined) writer.text(spanAt.traceState, traceState);
  if (parentId !== undefined) writer.hex(spanAt.parentSpanId, parentId);
  writer.text(spanAt.name, span.name);
  writer.integer(spanAt.kind, spanKinds[span.kind]);
  writeTime(writer, spanAt.startTime, span.startMs);
  writeTime(writer, spanAt.endTime, span.endMs);
  for (let i = 0; i < attributes.length; i += 2)
    writeAttribute(writer, spanAt.attributes, String(attributes[i]), attributes[i + 1]);
  if (span.isError) {
    const status = writer.begin(spanAt.status);
    writer.integer(statusAt.code, STATUS_ERROR);
    writer.end(status);
  }
  const remote = span.isParentRemote ? flags.isParentRemote : 0;
  writer.fixed32(spanAt.flags, flags.sampled | flags.knowsIfParentIsRemote | remote);
  writer.end(start);
}

function writeAttribute(writer: ProtobufWriter, field: number, name: string, value: SpanValue): void {
  if (value === undefined) return;
  const pair = writer.begin(field);
  writer.text(pairAt.key, name);
  const start = writer.begin(pairAt.value);
  if (typeof value === 'string') writer.text(valueAt.text, value);
  else if (typeof value === 'boolean') writer.integer(valueAt.truth, value ? 1 : 0);
  else if (Number.isInteger(value) && Math.abs(value) < INTEGER_LIMIT) writer.integer(valueAt.integer, value);
  else writer.double(valueAt.double, value);
  writer.end(start);
  writer.end(pair);
}

/** Nanoseconds since 1970, of which a microsecond is as exact as milliseconds are. They are more than a double holds. */
function writeTime(writer: ProtobufWriter, field: number, ms: number): void {
  const micros = Math.round(ms * 1_000);
  const low = (micros % WORD) * NANOS_PER_MICRO;
  const high = Math.floor(micros / WORD) * NANOS_PER_MICRO + Math.floor(low / WORD);
  writer.fixed64(field, high, low % WORD);
}
