/** Which fields tell of traces, read from requests and written into those that are sent on. */
import { limits } from '#base/limits.ts';
import { getField, getFieldValues } from '#wire/fields/field-list.ts';
import { formatB3, parseB3, parseB3Fields } from '#wire/trace-context/b3.ts';
import { joinBaggage } from '#wire/trace-context/baggage.ts';
import type { ReceivedContext, ReceivedDecision } from '#wire/trace-context/received-context.ts';
import { formatTraceParent, parseTraceParent, type SentContext } from '#wire/trace-context/trace-parent.ts';
import { readTraceState } from '#wire/trace-context/trace-state.ts';

export type TraceFormat = 'w3c' | 'b3' | 'b3-multi';

export interface ReceivedTrace {
  /** `undefined`: there is none, or none that could be used. */
  readonly context: ReceivedContext | ReceivedDecision | undefined;
  readonly state: string | undefined;
  /** What goes on of it, where fields are written anew. */
  readonly baggage: string | undefined;
  /** Fields of a format are among those of the request: whoever writes them anew has to take these out. */
  readonly hasFields: boolean;
  /** The fields can go on as they are, for everybody who is asked next. */
  readonly isPassable: boolean;
}

const fieldNames: Readonly<Record<TraceFormat, readonly string[]>> = {
  // Whoever knows the one specification knows the other.
  w3c: ['traceparent', 'tracestate', 'baggage'],
  b3: ['b3'],
  'b3-multi': ['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
};

/** With which the names of all of these begin, so that most fields of a request are passed over at once. */
const FIRST_LETTERS = new Set(['t', 'b', 'x'].map((letter) => letter.charCodeAt(0)));

const nothing: ReceivedTrace = { context: undefined, state: undefined, baggage: undefined, hasFields: false, isPassable: false };

export class TracePropagation {
  readonly #formats: readonly TraceFormat[];
  readonly #names: ReadonlySet<string>;

  /** The first one that says something is the one that counts; all are written. */
  constructor(formats: readonly TraceFormat[]) {
    this.#formats = formats;
    this.#names = new Set(formats.flatMap((format) => fieldNames[format]));
  }

  read(fields: readonly string[]): ReceivedTrace {
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (FIRST_LETTERS.has(name.charCodeAt(0)) && this.#names.has(name)) return this.#readAll(fields);
    }
    return nothing;
  }

  /** A copy without what is written anew. */
  without(fields: readonly string[]): string[] {
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) if (!this.#names.has(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
    return kept;
  }

  /** `spanId`: that of the span that the request is sent in. */
  write(sent: SentContext, spanId: string, { state, baggage }: Pick<ReceivedTrace, 'state' | 'baggage'>): string[] {
    const written: string[] = [];
    for (const format of this.#formats) {
      if (format === 'b3') written.push('b3', formatB3(sent, spanId));
      else if (format === 'b3-multi')
        written.push('x-b3-traceid', sent.traceId, 'x-b3-spanid', spanId, 'x-b3-sampled', sent.isSampled ? '1' : '0');
      else {
        written.push('traceparent', formatTraceParent(sent, spanId));
        if (state !== undefined) written.push('tracestate', state);
        if (baggage !== undefined) written.push('baggage', baggage);
      }
    }
    return written;
  }

  #readAll(fields: readonly string[]): ReceivedTrace {
    const lines = this.#formats.includes('w3c') ? getFieldValues(fields, 'baggage') : [];
    const baggage = joinBaggage(lines);
    const isWhole = baggage === (lines.length === 0 ? undefined : lines.join(','));
    for (const format of this.#formats) {
      const context = readContext(format, fields);
      if (context === undefined) continue;
      const state = format === 'w3c' ? readState(fields) : undefined;
      const isPassable = isWhole && this.#formats.length === 1 && context.traceId !== undefined;
      return { context, state, baggage, hasFields: true, isPassable };
    }
    return { ...nothing, baggage, hasFields: true };
  }
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
