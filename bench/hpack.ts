/**
 * What HPACK costs: nanoseconds to decode the header block of a request and to encode that of an answer, on a connection that
 * is warm.
 *
 * Usage: node bench/hpack.ts [--rounds 31] [--markdown]
 *
 * The kinds take turns within a round, and the median of the rounds counts. Each request has a list of its own, as it has in
 * the gateway.
 */
import { limits } from '#base/limits.ts';
import { HpackDecoder } from '#wire/hpack/decoder.ts';
import { BLOCK_START_BYTES_MAX, encodedBytesMax, HpackEncoder } from '#wire/hpack/encoder.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 31 };
const WARM_UP_ROUNDS = 5;
const BLOCKS_PER_ROUND = 20_000;
/** Ids are made before the clock runs. */
const ID_COUNT = 1_000;

const decoderLimits = { tableBytesMax: 4096, listBytesMax: limits.headBytesMax, fieldCountMax: limits.fieldCountMax };

const smallRequest = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'api.example.com'],
  [':path', '/api/orders/4711'],
  ['accept', 'application/json'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['user-agent', 'orders/1.4'],
  ['x-tenant', 'acme'],
].flat();
const browserRequest = [
  [':method', 'GET'],
  [':authority', 'www.example.com'],
  [':scheme', 'https'],
  [':path', '/shop/catalogue/lamps?sort=price&page=3'],
  ['cache-control', 'max-age=0'],
  ['sec-ch-ua', '"Chromium";v="140", "Not=A?Brand";v="24"'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['sec-fetch-site', 'same-origin'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['referer', 'https://www.example.com/shop/catalogue/lamps?sort=price&page=2'],
].flat();
const answer = [
  ['content-type', 'application/json; charset=utf-8'],
  ['content-length', '106'],
  ['server', 'orders'],
  ['date', 'Tue, 04 Nov 2025 10:00:00 GMT'],
  ['cache-control', 'no-cache'],
  ['etag', '"690860c0-3f1a"'],
].flat();
const ids = Array.from({ length: ID_COUNT }, (_, index) => `0198f3c2-7d1e-7a4b-9c3f-${String(index).padStart(12, '0')}`);

interface Kind {
  readonly name: string;
  readonly bytes: number;
  /** Nanoseconds of a block in one round. */
  readonly measure: () => number;
  readonly figures: number[];
}

export async function runHpackBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const kinds: Kind[] = [
    toDecoding('decode a request, 8 fields, all indexed', smallRequest, 1),
    toDecoding('decode a request, browser, 12 fields, all indexed', browserRequest, 1),
    toDecoding('decode a request, browser, 12 fields, new target', browserRequest, 1, [':path', '/shop/catalogue/lamps?page=4']),
    toDecoding('decode the first request, browser, nothing indexed', browserRequest, 0),
    toEncoding('encode an answer, 6 fields, all indexed', []),
    toEncoding('encode an answer, 6 fields and an id that is always new', ids),
  ];
  for (let count = 0; count < WARM_UP_ROUNDS + rounds; count += 1) {
    for (const { measure, figures } of kinds) {
      const figure = measure();
      if (count >= WARM_UP_ROUNDS) figures.push(figure);
    }
    // Lets other work of a larger benchmark run through between rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { name: 'HPACK', rows: kinds.map(toRow) };
}

function toRow({ name, bytes, figures }: Kind): Row {
  return { what: name, bytes, ns: round(median(figures)) };
}

function encodeBlock(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  let bytesMax = BLOCK_START_BYTES_MAX;
  for (let i = 0; i < fields.length; i += 2) bytesMax += encodedBytesMax(fields[i]!, fields[i + 1]!);
  const into = Buffer.alloc(bytesMax);
  let end = encoder.beginBlock(into, 0);
  for (let i = 0; i < fields.length; i += 2) end = encoder.encodeField(fields[i]!, fields[i + 1]!, into, end);
  return into.subarray(0, end);
}

/**
 * Decodes again and again the block that a client sends after `sentBefore` of the same; `changed` is a field that has another
 * value by then.
 */
function toDecoding(name: string, request: readonly string[], sentBefore: number, changed: readonly string[] = []): Kind {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(decoderLimits);
  for (let count = 0; count < sentBefore; count += 1) {
    const block = encodeBlock(encoder, request);
    decoder.decode(block, 0, block.length, []);
  }
  const last = request.map((text, index) => (index > 0 && request[index - 1] === changed[0] ? changed[1]! : text));
  const block = encodeBlock(encoder, last);
  const measure = () => {
    const startedMs = performance.now();
    let fieldCount = 0;
    for (let count = 0; count < BLOCKS_PER_ROUND; count += 1) {
      const fields: string[] = [];
      decoder.decode(block, 0, block.length, fields);
      fieldCount += fields.length;
    }
    const elapsedMs = performance.now() - startedMs;
    if (fieldCount !== BLOCKS_PER_ROUND * request.length) throw new Error(`${fieldCount} names and values were decoded`);
    return (elapsedMs * 1e6) / BLOCKS_PER_ROUND;
  };
  return { name, bytes: block.length, measure, figures: [] };
}

function toEncoding(name: string, requestIds: readonly string[]): Kind {
  const encoder = new HpackEncoder();
  const into = Buffer.alloc(limits.headBytesMax);
  let end = 0;
  const measure = () => {
    const startedMs = performance.now();
    for (let count = 0; count < BLOCKS_PER_ROUND; count += 1) {
      end = encoder.beginBlock(into, 0);
      end = encoder.encodeStatus(200, into, end);
      for (let i = 0; i < answer.length; i += 2) end = encoder.encodeField(answer[i]!, answer[i + 1]!, into, end);
      if (requestIds.length > 0) end = encoder.encodeField('x-request-id', requestIds[count % ID_COUNT]!, into, end);
    }
    return ((performance.now() - startedMs) * 1e6) / BLOCKS_PER_ROUND;
  };
  measure();
  return { name, bytes: end, measure, figures: [] };
}

if (import.meta.main) await runAlone(runHpackBench, defaults);
