/** Which fields tell of traces, read from requests and written into those that are sent on. */
import { limits } from '#base/limits.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { formatB3, parseB3, parseB3Fields } from '#wire/trace-context/b3.ts';
import { joinBaggage } from '#wire/trace-context/baggage.ts';
import type { ReceivedContext, ReceivedDecision } from '#wire/trace-context/received-context.ts';
import {
  formatTraceParent,
  formatTraceParentEnd,
  parseTraceParent,
  type SentContext,
  VERSION_PREFIX,
} from '#wire/trace-context/trace-parent.ts';
import { readTraceState } from '#wire/trace-context/trace-state.ts';

export type TraceFormat = 'w3c' | 'b3' | 'b3-multi';

export interface ReceivedTrace {
  /** `undefined`: there is none, or none that could be used. */
  readonly context: ReceivedContext | ReceivedDecision | undefined;
  readonly state: string | undefined;
  /** There are fields that cannot go on as they are when others are written: those of a format, or a baggage that is too long. */
  readonly hasFields: boolean;
  /** The fields can go on as they are, for everybody who is asked next. */
  readonly isPassable: boolean;
}

/** What is written, and of what came the part that is written again. */
export interface SentTraceContext extends SentContext {
  readonly received: Pick<ReceivedTrace, 'state'>;
}

const fieldNames: Readonly<Record<TraceFormat, readonly string[]>> = {
  w3c: ['traceparent', 'tracestate'],
  b3: ['b3'],
  'b3-multi': ['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
};

/** Whoever knows the one specification of the W3C knows this one too. It belongs to the request and to no span. */
const BAGGAGE = 'baggage';

/** The names of all of these begin with a `t`, a `b` or an `x`, so that most fields of a request are passed over at once. */
function mayBeRead(name: string): boolean {
  const first = name.charCodeAt(0);
  return first === 0x74 || first === 0x62 || first === 0x78;
}

const PLAIN_PREFIX = `\r\ntraceparent: ${VERSION_PREFIX}`;

const nothing: ReceivedTrace = { context: undefined, state: undefined, hasFields: false, isPassable: false };

export class TracePropagation {
  readonly #formats: readonly TraceFormat[];
  /** Only those of the W3C. */
  readonly #isPlain: boolean;
  /** Fields that are written. */
  readonly #names: ReadonlySet<string>;
  /** Fields that are looked at. */
  readonly #readNames: ReadonlySet<string>;
  readonly #commonSpanId: string | undefined;
  /** What stands behind the trace id of those that have it. */
  readonly #commonEnd: string;

  /**
   * The first format that says something is the one that counts; all are written. `commonSpanId`: that of most requests that are sent
   * on, of which nothing is recorded.
   */
  constructor(formats: readonly TraceFormat[], commonSpanId?: string) {
    this.#formats = formats;
    this.#commonSpanId = commonSpanId;
    this.#commonEnd = formatTraceParentEnd(commonSpanId ?? '', false, false);
    this.#isPlain = formats.length === 1 && formats[0] === 'w3c';
    this.#names = new Set(formats.flatMap((format) => fieldNames[format]));
    this.#readNames = new Set(formats.includes('w3c') ? [...this.#names, BAGGAGE] : this.#names);
  }

  read(fields: readonly string[]): ReceivedTrace {
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (mayBeRead(name) && this.#readNames.has(name)) return this.#readAll(fields);
    }
    return nothing;
  }

  /** A copy without what is written anew, and with no more baggage than everybody passes on. */
  clean(fields: readonly string[]): string[] {
    const kept: string[] = [];
    let hasBaggage = false;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === BAGGAGE && this.#readNames.has(BAGGAGE)) hasBaggage = true;
      else if (!this.#names.has(name)) kept.push(name, fields[i + 1]!);
    }
    const baggage = hasBaggage ? joinBaggage(getFieldValues(fields, BAGGAGE)) : undefined;
    if (baggage !== undefined) kept.push(BAGGAGE, baggage);
    return kept;
  }

  /** The lines of the same in HTTP/1.1, each behind the end of the line before. */
  writeHttp1(sent: SentTraceContext, spanId: string): string {
    if (this.#isPlain && sent.received.state === undefined) return PLAIN_PREFIX + sent.traceId + this.#endOf(sent, spanId);
    const fields = this.write(sent, spanId);
    let text = '';
    for (let i = 0; i < fields.length; i += 2) text += `\r\n${fields[i]}: ${fields[i + 1]}`;
    return text;
  }

  /** `spanId`: that of the span that the request is sent in. */
  write(sent: SentTraceContext, spanId: string): string[] {
    const { state } = sent.received;
    const written: string[] = [];
    for (const format of this.#formats) {
      if (format === 'b3') written.push('b3', formatB3(sent, spanId));
      else if (format === 'b3-multi')
        written.push('x-b3-traceid', sent.traceId, 'x-b3-spanid', spanId, 'x-b3-sampled', sent.isSampled ? '1' : '0');
      else {
        written.push('traceparent', formatTraceParent(sent, spanId));
        if (state !== undefined) written.push('tracestate', state);
      }
    }
    return written;
  }

  #endOf({ isSampled, isRandom }: SentContext, spanId: string): string {
    if (spanId === this.#commonSpanId && !isSampled && !isRandom) return this.#commonEnd;
    return formatTraceParentEnd(spanId, isSampled, isRandom);
  }

  #readAll(fields: readonly string[]): ReceivedTrace {
    const isBaggageWhole = !this.#readNames.has(BAGGAGE) || isWholeBaggage(getFieldValues(fields, BAGGAGE));
    for (const format of this.#formats) {
      const context = readContext(format, fields);
      if (context === undefined) continue;
      const state = format === 'w3c' ? readState(fields) : undefined;
      const isPassable = isBaggageWhole && this.#formats.length === 1 && context.traceId !== undefined;
      return { context, state, hasFields: true, isPassable };
    }
    return { ...nothing, hasFields: !isBaggageWhole || this.#hasOwn(fields) };
  }

  #hasOwn(fields: readonly string[]): boolean {
    for (let i = 0; i < fields.length; i += 2) if (this.#names.has(fields[i]!)) return true;
    return false;
  }
}

function isWholeBaggage(lines: readonly string[]): boolean {
  return lines.length === 0 || joinBaggage(lines) === lines.join(',');
}

function readContext(format: TraceFormat, fields: readonly string[]): ReceivedTrace['context'] {
  if (format === 'b3') return readOnly(fields, 'b3', parseB3);
  if (format === 'w3c') return readOnly(fields, 'traceparent', parseTraceParent);
  return parseB3Fields({
    traceId: getField(fields, 'x-b3-traceid'),
    spanId: getField(fields, 'x-b3-spanid'),
    sampled: getField(fields, 'x-b3-sampled'),
    flags: getField(fields, 'x-b3-flags'),
  });
}

/** Of several lines nobody could tell which one is meant. */
function readOnly<Context>(
  fields: readonly string[],
  name: string,
  parse: (text: string) => Context | undefined,
): Context | undefined {
  const [line, ...more] = getFieldValues(fields, name);
  return line === undefined || more.length > 0 ? undefined : parse(line);
}

function readState(fields: readonly string[]): string | undefined {
  const lines = getFieldValues(fields, 'tracestate');
  return lines.length === 0 ? undefined : readTraceState(lines, limits.traceStateBytesMax);
}
