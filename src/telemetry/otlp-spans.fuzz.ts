/** What is written is what the library of OpenTelemetry writes, but for fields that have the value that stands for none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { listMessages, type ProtobufMessage, readProtobuf } from '#test/support/protobuf-fields.ts';
import { ExportWriter, SpanBatchWriter, type SpanHead, type SpanValue } from './otlp-spans.ts';

type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];

interface GivenSpan extends SpanHead {
  readonly attributes: readonly (readonly [name: string, value: SpanValue])[];
}

const kinds = ['internal', 'server', 'client'] as const;
const STATUS = 15;

const digits = (count: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: count, maxLength: count }).map((each) => each.join(''));
const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 150 }),
  fc.constant('x'.repeat(3_000)),
);
const number = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: 0, max: 70_000 }), fc.double({ noNaN: true }));
const value = fc.oneof(text, number, fc.boolean(), fc.constant(undefined));
/** Names are not twice in one span, and a library that makes an object of them would put numbers first. */
const attributes = fc
  .dictionary(
    text.map((name) => `a${name}`),
    value,
    { maxKeys: 20 },
  )
  .map((each) => Object.entries(each));
const time = fc.double({ min: 0, max: 4e12, noNaN: true }).map((ms) => Math.round(ms * 1_000) / 1_000);
const span: fc.Arbitrary<GivenSpan> = fc.record({
  traceId: digits(32),
  spanId: digits(16),
  parentId: fc.option(digits(16), { nil: undefined }),
  isParentRemote: fc.boolean(),
  traceState: fc.option(fc.constantFrom('a=1', 'b=2,c=3'), { nil: undefined }),
  name: text,
  kind: fc.constantFrom(...kinds),
  startMs: time,
  endMs: time,
  isError: fc.boolean(),
  attributes,
});

/** The same as the library is given it. */
function toReadable(given: GivenSpan, resource: ReadableSpan['resource'], scope: ReadableSpan['instrumentationScope']) {
  const { traceId, spanId, parentId, isParentRemote, traceState, isError } = given;
  const context = { traceId, traceFlags: 1, traceState: traceState && { serialize: () => traceState } };
  return {
    name: given.name,
    kind: kinds.indexOf(given.kind),
    spanContext: () => ({ ...context, spanId }),
    parentSpanContext:
      parentId === undefined ? { isRemote: isParentRemote } : { ...context, spanId: parentId, isRemote: isParentRemote },
    startTime: toHighResolution(given.startMs),
    endTime: toHighResolution(given.endMs),
    duration: [0, 0],
    status: { code: isError ? 2 : 0 },
    attributes: Object.fromEntries(given.attributes.filter(([, each]) => each !== undefined)),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  } as unknown as ReadableSpan;
}

function toHighResolution(ms: number): [number, number] {
  const micros = Math.round(ms * 1_000);
  return [Math.floor(micros / 1e6), (micros % 1e6) * 1_000];
}

/** Without fields that say nothing. */
function toSaid(message: ProtobufMessage): [number, unknown][] {
  const said: [number, unknown][] = [];
  for (const [field, values] of [...message].toSorted(([a], [b]) => a - b)) {
    const status = field === STATUS ? listMessages(message, field).map(toSaid) : [];
    if (status.some((each) => each.length > 0)) said.push([field, status]);
    if (field !== STATUS && values.some((each) => each !== 0n)) said.push([field, values]);
  }
  return said;
}

function readSpans(bytes: Uint8Array) {
  return listMessages(readProtobuf(Buffer.from(bytes)), 1).map((resourceSpans) => ({
    resource: listMessages(resourceSpans, 1).map((each) => listMessages(each, 1).map(toSaid)),
    scopes: listMessages(resourceSpans, 2).map((scope) => ({
      scope: listMessages(scope, 1).map(toSaid),
      spans: listMessages(scope, 2).map(toSaid),
    })),
  }));
}

/** In batches that end behind the spans at these places. */
function writeMessage(spans: readonly GivenSpan[], ends: ReadonlySet<number>, resource: Readonly<Record<string, string>>) {
  const writer = new SpanBatchWriter();
  for (const [i, { attributes, ...head }] of spans.entries()) {
    writer.begin(head);
    for (const [name, value] of attributes) writer.attribute(name, value);
    writer.end();
    if (ends.has(i)) writer.closeBatch();
  }
  writer.closeBatch();
  return new ExportWriter().write(writer.take(), resource);
}

test('spans are written as the library writes them, however many batches they come in', (t) => {
  const resource = { 'service.name': 'gatehouse', 'host.name': 'ä'.repeat(200) };
  const shared = { attributes: resource, merge: () => shared, getRawAttributes: () => Object.entries(resource) };
  const scope = { name: 'gatehouse' };
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 12 }), fc.array(fc.nat(11)), (spans, ends) => {
      const expected = ProtobufTraceSerializer.serializeRequest(
        spans.map((each) => toReadable(each, shared as unknown as ReadableSpan['resource'], scope)),
      );
      assert.deepEqual(readSpans(writeMessage(spans, new Set(ends), resource)), readSpans(expected!));
    }),
    fuzzParameters(t),
  );
});
