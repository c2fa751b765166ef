/** Reads files of recordings line by line. A line that is damaged is told, and the rest goes on. */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { limits } from '#base/limits.ts';
import { RECORDING_VERSION, type RecordedExchange } from './recorded-exchange.ts';

export interface ReadLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What stands there, or what is wrong with it. */
  readonly read: RecordedExchange | string;
}

const fields = z.array(z.tuple([z.string(), z.string()]));
const body = z.object({
  bytes: z.int().min(0),
  text: z.string().optional(),
  base64: z.string().optional(),
  truncated: z.literal(true).optional(),
  redacted: z.literal(true).optional(),
  coding: z.string().optional(),
  omitted: z.string().optional(),
  same: z.literal(true).optional(),
});
const request = z.object({ method: z.string().min(1), authority: z.string(), target: z.string().min(1), headers: fields });
const answer = z.object({
  status: z.int().min(0).max(999),
  headers: fields,
  body: body.optional(),
  trailers: fields.optional(),
  incomplete: z.literal(true).optional(),
});
const policyStep = z.object({
  policy: z.string(),
  phase: z.string(),
  decision: z.string(),
  code: z.string().optional(),
  status: z.int().optional(),
});
const names = z.array(z.string());

/** Members that are not known here are of a later version that adds to this one. */
const exchange: z.ZodType<RecordedExchange> = z.object({
  recording: z.literal(RECORDING_VERSION),
  time: z.iso.datetime(),
  id: z.string(),
  listener: z.string(),
  protocol: z.string(),
  client: z.string().optional(),
  request: request.extend({ scheme: z.enum(['http', 'https']), body: body.optional() }),
  decision: z.object({
    route: z.string().optional(),
    service: z.string().optional(),
    endpoint: z.string().optional(),
    status: z.int(),
    code: z.string().optional(),
    cache: z.string().optional(),
    consumer: z.object({ name: z.string(), groups: names, scopes: names, roles: names }).optional(),
    policies: z.array(policyStep),
  }),
  calls: z.array(
    z.object({
      service: z.string(),
      endpoint: z.string(),
      request,
      answer: answer.optional(),
      code: z.string().optional(),
    }),
  ),
  answer,
  durationMs: z.number(),
  upstreamMs: z.number().optional(),
});

const LINE_FEED = 10;

/** Empty lines are passed over. Rejects when the file cannot be read. */
export async function* readRecording(file: string): AsyncGenerator<ReadLine> {
  let line = 1;
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      pieces.push(chunk.subarray(from, end));
      bytes += end - from;
      yield* readLine({ file, line, pieces, bytes }, true);
      line += 1;
      from = end + 1;
      pieces = [];
      bytes = 0;
    }
    bytes += chunk.length - from;
    // What is too long is told at its end, and not kept until then.
    if (bytes <= limits.recordingLineBytesMax) pieces.push(chunk.subarray(from));
  }
  yield* readLine({ file, line, pieces, bytes }, false);
}

interface RawLine {
  readonly file: string;
  readonly line: number;
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

function* readLine({ file, line, pieces, bytes }: RawLine, hasEnd: boolean): Generator<ReadLine> {
  if (bytes === 0) return;
  if (bytes > limits.recordingLineBytesMax) yield { file, line, read: 'the line is too long' };
  else yield { file, line, read: parseLine(joinPieces(pieces, bytes), hasEnd) };
}

function joinPieces(pieces: readonly Buffer[], bytes: number): string {
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  return whole.toString('utf8');
}

function parseLine(text: string, hasEnd: boolean): RecordedExchange | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return hasEnd ? 'this is no JSON' : 'the last line is cut off';
  }
  const version = typeof value === 'object' && value !== null && 'recording' in value ? value.recording : undefined;
  if (version === undefined) return 'this is no line of a recording: it has no member `recording`';
  if (version !== RECORDING_VERSION)
    return `this is version ${JSON.stringify(version)} of the format; version ${RECORDING_VERSION} is known here`;
  const parsed = exchange.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') || 'the line'}: ${issue?.message ?? 'is wrong'}`;
}
