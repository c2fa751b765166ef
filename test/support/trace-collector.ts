/** A collector of OpenTelemetry on a socket: takes OTLP over HTTP and shows the spans. It reads protobuf by itself, as far as spans need it. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { eventually } from './eventually.ts';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the first of its trace. */
  readonly parentId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'other';
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface CollectedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly spans: readonly CollectedSpan[];
}

/** `handled`: the script answers itself, or nobody does and the gateway waits. */
export type CollectorScript = (exported: CollectedExport, response: ServerResponse) => 'taken' | 'handled';

export interface TraceCollector {
  readonly url: string;
  /** Of all messages that were taken. */
  readonly spans: readonly CollectedSpan[];
  readonly exports: readonly CollectedExport[];
  answer(script: CollectorScript): void;
  /** As soon as there are at least so many. */
  waitFor(count: number): Promise<readonly CollectedSpan[]>;
}

/** `tls`: over HTTPS, on the name `localhost`. */
export async function startTraceCollector(t: TestContext, tls?: ServerOptions): Promise<TraceCollector> {
  const spans: CollectedSpan[] = [];
  const exports: CollectedExport[] = [];
  let script: CollectorScript = () => 'taken';
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const sent = await buffer(request);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const exported = { path: request.url ?? '', headers: request.headers, spans: readExport(bytes) };
    exports.push(exported);
    if (script(exported, response) === 'handled') return;
    for (const span of exported.spans) spans.push(span);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  };
  const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${(server.address() as AddressInfo).port}`,
    spans,
    exports,
    answer(next) {
      script = next;
    },
    async waitFor(count) {
      await eventually(() => spans.length >= count, `${count} spans are collected, not ${spans.length}`);
      return spans;
    },
  };
}

type Field = readonly [number: number, value: bigint | Buffer];

/** The fields of one message, in their order. */
function readMessage(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    if (kind === 0) fields.push([tag >> 3, varint()]);
    else if (kind === 2) {
      const length = Number(varint());
      fields.push([tag >> 3, bytes.subarray(at, at + length)]);
      at += length;
    } else {
      const length = kind === 1 ? 8 : 4;
      fields.push([tag >> 3, kind === 1 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at))]);
      at += length;
    }
  }
  return fields;
}

function messagesOf(fields: readonly Field[], number: number): Buffer[] {
  return fields.flatMap(([each, value]) => (each === number && Buffer.isBuffer(value) ? [value] : []));
}

function bytesOf(fields: readonly Field[], number: number): Buffer {
  return messagesOf(fields, number).at(-1) ?? Buffer.alloc(0);
}

function numberOf(fields: readonly Field[], number: number): bigint {
  const found = fields.findLast(([each]) => each === number)?.[1];
  return typeof found === 'bigint' ? found : 0n;
}

/** opentelemetry/proto/trace/v1/trace.proto */
function readExport(bytes: Buffer): CollectedSpan[] {
  return messagesOf(readMessage(bytes), 1).flatMap((resourceSpans) => {
    const fields = readMessage(resourceSpans);
    const resource = readAttributes(messagesOf(readMessage(bytesOf(fields, 1)), 1));
    const scopes = messagesOf(fields, 2).flatMap((scope) => messagesOf(readMessage(scope), 2));
    return scopes.map((span) => readSpan(readMessage(span), resource));
  });
}

const kinds = ['other', 'internal', 'server', 'client'] as const;

function readSpan(fields: readonly Field[], resource: CollectedSpan['resource']): CollectedSpan {
  return {
    traceId: bytesOf(fields, 1).toString('hex'),
    spanId: bytesOf(fields, 2).toString('hex'),
    traceState: bytesOf(fields, 3).toString(),
    parentId: bytesOf(fields, 4).toString('hex'),
    name: bytesOf(fields, 5).toString(),
    kind: kinds[Number(numberOf(fields, 6))] ?? 'other',
    start: numberOf(fields, 7),
    end: numberOf(fields, 8),
    attributes: readAttributes(messagesOf(fields, 9)),
    isError: numberOf(readMessage(bytesOf(fields, 15)), 3) === 2n,
    resource,
  };
}

function readAttributes(pairs: readonly Buffer[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = readMessage(pair);
      return [bytesOf(fields, 1).toString(), readValue(readMessage(bytesOf(fields, 2)))];
    }),
  );
}

/** opentelemetry/proto/common/v1/common.proto, `AnyValue`: texts, truth values and whole numbers. */
function readValue([field]: readonly Field[]): unknown {
  if (field === undefined) return undefined;
  const [number, value] = field;
  if (Buffer.isBuffer(value)) return value.toString();
  return number === 2 ? value === 1n : Number(value);
}
