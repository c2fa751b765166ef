/**
 * Lines as records of OpenTelemetry. Fields that its conventions have a name for get that name, others keep theirs; those that a
 * configuration has named itself keep the name that it has given.
 */
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { Clock } from '#base/clock.ts';
import type { LineSettings } from '#config/access-log/line-settings.ts';
import { splitLines } from './line-delivery.ts';
import type { LineEncoder } from './posted-lines.ts';

type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];
type Attributes = LogRecord['attributes'];
type Line = Readonly<Record<string, unknown>>;

/** As the data model of logs numbers them. */
const severities = { info: [9, 'INFO'], warn: [13, 'WARN'], error: [17, 'ERROR'] } as const;

const semanticNames: Readonly<Record<string, string>> = {
  client: 'client.address',
  port: 'client.port',
  peer: 'network.peer.address',
  host: 'server.address',
  method: 'http.request.method',
  status: 'http.response.status_code',
  target: 'url.original',
  path: 'url.path',
  query: 'url.query',
  scheme: 'url.scheme',
  code: 'error.type',
  requestBytes: 'http.request.body.size',
  responseBytes: 'http.response.body.size',
  consumer: 'enduser.id',
};

/** Records have places of their own for these. */
const recordFields: ReadonlySet<string> = new Set(['time', 'traceId', 'spanId']);

export interface OtlpLinesMeans {
  readonly clock: Clock;
  /** What is said of the gateway. */
  readonly resource: Readonly<Record<string, string>>;
}

export class OtlpLines implements LineEncoder {
  readonly #means: OtlpLinesMeans;
  /** Under which name an attribute is told. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #isJson: boolean;
  readonly #resource: LogRecord['resource'];
  readonly #scope = { name: 'gatehouse' };

  constructor({ format, fields }: LineSettings, means: OtlpLinesMeans) {
    this.#means = means;
    const own = new Set((fields?.chosen ?? []).filter(({ name, value }) => value.source !== name).map(({ name }) => name));
    this.#names = new Map(Object.entries(semanticNames).filter(([name]) => !own.has(name)));
    this.#isJson = format === undefined || format.kind === 'json';
    this.#resource = toResource(means.resource);
  }

  async encode(batches: readonly Uint8Array[]): Promise<Uint8Array> {
    const nowMs = this.#means.clock.wallMs();
    const records: LogRecord[] = [];
    for (const batch of batches) for (const line of splitLines(batch)) records.push(this.#toRecord(toText(line), nowMs));
    // The library allows for formats that cannot be written; this one can.
    return ProtobufLogsSerializer.serializeRequest(records) ?? new Uint8Array();
  }

  countRejected(answer: Uint8Array): number {
    if (answer.length === 0) return 0;
    try {
      return ProtobufLogsSerializer.deserializeResponse(answer).partialSuccess?.rejectedLogRecords ?? 0;
    } catch {
      // The status has said that the lines were taken; what else it says is not understood.
      return 0;
    }
  }

  #toRecord(text: string, nowMs: number): LogRecord {
    const line = this.#isJson ? (JSON.parse(text) as Line) : {};
    const { time } = line;
    const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
    const [severityNumber, severityText] = toSeverity(line);
    return {
      hrTime: toHighResolution(Number.isNaN(ms) ? nowMs : ms),
      hrTimeObserved: toHighResolution(nowMs),
      severityNumber,
      severityText,
      body: this.#isJson ? toBody(line) : text,
      eventName: 'gatehouse.access',
      resource: this.#resource,
      instrumentationScope: this.#scope,
      attributes: this.#toAttributes(line),
      droppedAttributesCount: 0,
      ...toSpanContext(line),
    };
  }

  #toAttributes(line: Line): Attributes {
    const attributes: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(line))
      if (!recordFields.has(name)) attributes[this.#names.get(name) ?? name] = value;
    // Values are those of JSON, which the format can hold whatever their depth.
    return attributes as Attributes;
  }
}

/** Lines are ASCII. */
function toText(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.length).latin1Slice();
}

function toSeverity({ status, code }: Line): (typeof severities)[keyof typeof severities] {
  if (typeof status === 'number' && status >= 500) return severities.error;
  return (typeof status === 'number' && status >= 400) || code !== undefined ? severities.warn : severities.info;
}

/** What a person would like to read first. */
function toBody({ method, target, path, status, protocol, client }: Line): string {
  const words = [method ?? protocol, target ?? path ?? client, status].filter((word) => word !== undefined);
  return words.length === 0 ? 'request' : words.join(' ');
}

function toSpanContext({ traceId, spanId }: Line): Pick<LogRecord, 'spanContext'> {
  if (typeof traceId !== 'string') return {};
  return { spanContext: { traceId, spanId: typeof spanId === 'string' ? spanId : '', traceFlags: 1 } };
}

/** Seconds and nanoseconds. */
function toHighResolution(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, (ms - seconds * 1000) * 1_000_000];
}

/** Of a resource, the attributes are all that is written. */
function toResource(attributes: Readonly<Record<string, string>>): LogRecord['resource'] {
  return { attributes, merge: () => toResource(attributes), getRawAttributes: () => Object.entries(attributes) };
}
