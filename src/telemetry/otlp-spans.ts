/** Spans in the form in which the library of OpenTelemetry writes them as OTLP. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanRecord, SpanValue } from './span-record.ts';

type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];
type Attributes = ReadableSpan['attributes'];

/** As the API of OpenTelemetry numbers them. */
const spanKinds = { internal: 0, server: 1, client: 2 } as const;
const statusCodes = { unset: 0, error: 2 } as const;
const SAMPLED = 1;

/** The bytes of a message to a collector. `resource`: what is said of the gateway. */
export function encodeSpans(spans: readonly SpanRecord[], resource: Readonly<Record<string, string>>): Buffer {
  // One object each: the library puts those together that have the same.
  const origin = { resource: toResource(resource), scope: { name: 'gatehouse' } };
  const bytes = ProtobufTraceSerializer.serializeRequest(spans.map((span) => toReadable(span, origin)));
  // The library allows for formats that cannot be written; this one can.
  return Buffer.from(bytes ?? new Uint8Array());
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

interface Origin {
  readonly resource: ReadableSpan['resource'];
  readonly scope: ReadableSpan['instrumentationScope'];
}

function toReadable(span: SpanRecord, { resource, scope }: Origin): ReadableSpan {
  const { traceId, traceState, parentId, isParentRemote } = span;
  const state = traceState === undefined ? {} : { traceState: new KeptState(traceState) };
  const context = { traceId, traceFlags: SAMPLED, ...state };
  return {
    name: span.name,
    kind: spanKinds[span.kind],
    spanContext: () => ({ ...context, spanId: span.spanId }),
    ...(parentId !== undefined && { parentSpanContext: { ...context, spanId: parentId, isRemote: isParentRemote } }),
    startTime: toHighResolution(span.startMs),
    endTime: toHighResolution(span.endMs),
    duration: toHighResolution(span.endMs - span.startMs),
    status: { code: span.isError ? statusCodes.error : statusCodes.unset },
    attributes: toAttributes(span.attributes),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** It goes on as it came, so nobody asks for what is in it. */
class KeptState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  serialize(): string {
    return this.#text;
  }

  set(): this {
    return this;
  }

  unset(): this {
    return this;
  }

  get(): undefined {
    return undefined;
  }
}

function toAttributes(values: readonly SpanValue[]): Attributes {
  const attributes: Attributes = {};
  for (let i = 0; i < values.length; i += 2) {
    const value = values[i + 1];
    if (value !== undefined) attributes[String(values[i])] = value;
  }
  return attributes;
}

/** Seconds and nanoseconds. A microsecond is as exact as milliseconds since 1970 are. */
function toHighResolution(ms: number): [number, number] {
  const micros = Math.round(ms * 1_000);
  const seconds = Math.floor(micros / 1_000_000);
  return [seconds, (micros - seconds * 1_000_000) * 1_000];
}

/** Of a resource, the attributes are all that is written. */
function toResource(attributes: Readonly<Record<string, string>>): ReadableSpan['resource'] {
  return { attributes, merge: () => toResource(attributes), getRawAttributes: () => Object.entries(attributes) };
}
