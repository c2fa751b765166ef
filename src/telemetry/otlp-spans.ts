/**
 * Spans as OTLP, the messages that collectors take (opentelemetry/proto/collector/trace/v1, version 1.9 of the definitions). Threads write
 * spans, which are most of a message, as soon as they are over; whoever sends them writes what stands around them.
 */
import { limits } from '#base/limits.ts';
import { ProtobufWriter } from '#wire/protobuf/protobuf-writer.ts';

/** What a span says beside its attributes. Times are wall time. */
export interface SpanHead {
  /** 32 hexadecimal digits; ids of spans have 16. */
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
}

export type SpanValue = string | number | boolean | undefined;

/** As many spans as one message has at most, or fewer: the fields `spans` of `ScopeSpans`, one behind the other. */
export interface SpanBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

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

/** Writes spans one after the other: `begin`, its attributes, `end`. They are told of by batches, of which the last one is open. */
export class SpanBatchWriter {
  readonly #writer = new ProtobufWriter();
  #openCount = 0;
  #closed: SpanBatch[] = [];
  #closedCount = 0;
  #closedBytes = 0;
  #spanStart = 0;

  /** How many spans have not been taken yet. */
  get count(): number {
    return this.#closedCount + this.#openCount;
  }

  /** Of the same. */
  get bytes(): number {
    return this.#closedBytes + this.#writer.length;
  }

  get hasClosed(): boolean {
    return this.#closedCount > 0;
  }

  begin(span: SpanHead): void {
    const writer = this.#writer;
    this.#spanStart = writer.begin(scopeSpansAt.spans);
    writer.hex(spanAt.traceId, span.traceId);
    writer.hex(spanAt.spanId, span.spanId);
    if (span.traceState !== undefined) writer.text(spanAt.traceState, span.traceState);
    if (span.parentId !== undefined) writer.hex(spanAt.parentSpanId, span.parentId);
    writer.text(spanAt.name, span.name);
    writer.integer(spanAt.kind, spanKinds[span.kind]);
    writeTime(writer, spanAt.startTime, span.startMs);
    writeTime(writer, spanAt.endTime, span.endMs);
    if (span.isError) {
      const status = writer.begin(spanAt.status);
      writer.integer(statusAt.code, STATUS_ERROR);
      writer.end(status);
    }
    const remote = span.isParentRemote ? flags.isParentRemote : 0;
    writer.fixed32(spanAt.flags, flags.sampled | flags.knowsIfParentIsRemote | remote);
  }

  /** What is `undefined` is left out. */
  attribute(name: string, value: SpanValue): void {
    if (value !== undefined) writeAttribute(this.#writer, spanAt.attributes, name, value);
  }

  end(): void {
    this.#writer.end(this.#spanStart);
    this.#openCount += 1;
    if (this.#openCount === limits.spansOfExportMax || this.#writer.length >= limits.spansOfExportBytesMax) this.closeBatch();
  }

  /** The next span begins another one. */
  closeBatch(): void {
    if (this.#openCount === 0) return;
    const bytes = this.#writer.take();
    this.#closed.push({ bytes, count: this.#openCount });
    this.#closedCount += this.#openCount;
    this.#closedBytes += bytes.length;
    this.#openCount = 0;
  }

  /** The batches that are closed. Nobody else has their memory. */
  take(): SpanBatch[] {
    const batches = this.#closed;
    this.#closed = [];
    this.#closedCount = 0;
    this.#closedBytes = 0;
    return batches;
  }
}

/**
 * Messages to a collector. Each is lent until the next one: a gateway that traces all sends megabytes a second, and memory of its own
 * for each would have V8 clear the whole heap some times a second.
 */
export class ExportWriter {
  readonly #writer = new ProtobufWriter();

  /** `resource`: what is said of the gateway. */
  write(batches: readonly SpanBatch[], resource: Readonly<Record<string, string>>): Uint8Array {
    const writer = this.#writer;
    const resourceSpans = writer.begin(exportAt.resourceSpans);
    const resourceStart = writer.begin(resourceSpansAt.resource);
    for (const [name, value] of Object.entries(resource)) writeAttribute(writer, resourceAt.attributes, name, value);
    writer.end(resourceStart);
    const scopeSpans = writer.begin(resourceSpansAt.scopeSpans);
    const scope = writer.begin(scopeSpansAt.scope);
    writer.text(scopeAt.name, 'gatehouse');
    writer.end(scope);
    for (const { bytes } of batches) writer.fields(bytes);
    writer.end(scopeSpans);
    writer.end(resourceSpans);
    return writer.lend();
  }
}

function writeAttribute(writer: ProtobufWriter, field: number, name: string, value: string | number | boolean): void {
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
  const highMicros = Math.floor(micros / WORD);
  const low = (micros - highMicros * WORD) * NANOS_PER_MICRO;
  const carry = Math.floor(low / WORD);
  writer.fixed64(field, highMicros * NANOS_PER_MICRO + carry, low - carry * WORD);
}
