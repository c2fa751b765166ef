/**
 * What reading HTTP/1.1 costs: nanoseconds per request head and response head, megabytes of chunked body per second.
 *
 * Usage: node bench/codec.ts [--rounds 31] [--markdown]
 *
 * The kinds take turns within a round, and the median of the rounds counts. Each head comes in one piece, as it mostly does.
 */
import { limits } from '#base/limits.ts';
import { ChunkedBody } from '#wire/http1/chunked-body.ts';
import type { Fault } from '#wire/http1/faults.ts';
import { RequestDecoder } from '#wire/http1/request-decoder.ts';
import { ResponseDecoder } from '#wire/http1/response-decoder.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 31 };
const WARM_UP_ROUNDS = 5;
const HEADS_PER_ROUND = 10_000;
const BODY_BYTES = 8 * 1024 * 1024;
const READ_BYTES = 64 * 1024;

const decoderLimits = {
  headBytesMax: limits.headBytesMax,
  fieldCountMax: limits.fieldCountMax,
  targetBytesMax: limits.targetBytesMax,
  leadingEmptyLinesMax: limits.leadingEmptyLinesMax,
};

const smallRequest = toBytes([
  'GET /api/orders/4711 HTTP/1.1',
  'host: api.example.com',
  'accept: application/json',
  'user-agent: orders/1.4',
]);
const browserRequest = toBytes([
  'GET /shop/catalogue/lamps?sort=price&page=3 HTTP/1.1',
  'Host: www.example.com',
  'Connection: keep-alive',
  'Cache-Control: max-age=0',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Referer: https://www.example.com/shop/catalogue/lamps?sort=price&page=2',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Cookie: session=3f8a1c0d9e7b4a52; theme=dark; consent=yes; basket=eyJpdGVtcyI6WzEsMiwzXX0',
]);
const smallResponse = toBytes(['HTTP/1.1 204 No Content', 'server: orders', 'date: Tue, 04 Nov 2025 10:00:00 GMT']);
const typicalResponse = toBytes([
  'HTTP/1.1 304 Not Modified',
  'Server: nginx',
  'Date: Tue, 04 Nov 2025 10:00:00 GMT',
  'Content-Type: text/html; charset=utf-8',
  'Last-Modified: Mon, 03 Nov 2025 08:00:00 GMT',
  'ETag: "690860c0-3f1a"',
  'Vary: Accept-Encoding',
  'Cache-Control: public, max-age=600',
  'Strict-Transport-Security: max-age=31536000; includeSubDomains',
  'X-Content-Type-Options: nosniff',
  "Content-Security-Policy: default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
  'Set-Cookie: session=3f8a1c0d9e7b4a52; Path=/; HttpOnly; Secure; SameSite=Lax',
]);

interface Kind {
  readonly name: string;
  readonly bytes: number;
  readonly unit: 'ns' | 'MB/s';
  /** The figure of one round. */
  readonly measure: () => number;
  readonly figures: number[];
}

export async function runCodecBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const kinds: Kind[] = [
    toKind('request head, small API', smallRequest.length, 'ns', () => timeRequests(smallRequest)),
    toKind('request head, browser', browserRequest.length, 'ns', () => timeRequests(browserRequest)),
    toKind('response head, small', smallResponse.length, 'ns', () => timeResponses(smallResponse)),
    toKind('response head, typical', typicalResponse.length, 'ns', () => timeResponses(typicalResponse)),
    ...[100, 1024].map((size) => {
      const body = toChunks(size);
      return toKind(`chunked body, chunks of ${size} bytes`, body.length, 'MB/s', () => timeChunks(body));
    }),
  ];
  for (let count = 0; count < WARM_UP_ROUNDS + rounds; count += 1) {
    for (const { measure, figures } of kinds) {
      const figure = measure();
      if (count >= WARM_UP_ROUNDS) figures.push(figure);
    }
    // Lets other work of a larger benchmark run through between rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    name: 'HTTP/1.1 codec',
    rows: kinds.map(toRow),
    notes: ['The data of a chunk is passed on as a view and not looked at, so larger chunks cost nothing more.'],
  };
}

function toKind(name: string, bytes: number, unit: Kind['unit'], measure: () => number): Kind {
  return { name, bytes, unit, measure, figures: [] };
}

function toRow({ name, bytes, unit, figures }: Kind): Row {
  return {
    what: name,
    bytes,
    ns: unit === 'ns' ? round(median(figures)) : '',
    'MB/s': unit === 'MB/s' ? round(median(figures)) : '',
  };
}

function toBytes(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function toChunks(size: number): Buffer {
  const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
  return Buffer.from(`${chunk.repeat(Math.ceil(BODY_BYTES / size))}0\r\n\r\n`, 'latin1');
}

/** Sees to it that everything was read: what is counted must not be nothing. */
class Counter {
  heads = 0;
  bodyBytes = 0;
  fault: Fault | undefined = undefined;
  readonly isHeld = false;

  onRequestHead(): void {
    this.heads += 1;
  }
  onRequestEnd(): void {}
  onRequestFault(fault: Fault): void {
    this.fault = fault;
  }
  onInformationalHead(): void {}
  onResponseHead(): void {
    this.heads += 1;
  }
  onResponseEnd(): void {}
  onResponseFault(fault: Fault): void {
    this.fault = fault;
  }
  onBodyChunk(view: Buffer): void {
    this.bodyBytes += view.length;
  }
  onBodyText(text: string): void {
    this.bodyBytes += text.length;
  }
}

function timeRequests(bytes: Buffer): number {
  const counter = new Counter();
  const decoder = new RequestDecoder(decoderLimits, counter);
  return timeHeads(counter, () => {
    decoder.decode(bytes, 0, bytes.length);
    decoder.startNext();
  });
}

function timeResponses(bytes: Buffer): number {
  const counter = new Counter();
  const decoder = new ResponseDecoder(decoderLimits, counter);
  return timeHeads(counter, () => {
    decoder.expect('GET');
    decoder.decode(bytes, 0, bytes.length);
  });
}

function timeHeads(counter: Counter, readOne: () => void): number {
  const startedMs = performance.now();
  for (let count = 0; count < HEADS_PER_ROUND; count += 1) readOne();
  const elapsedMs = performance.now() - startedMs;
  if (counter.heads !== HEADS_PER_ROUND) throw new Error(`${counter.heads} heads were read, last fault: ${counter.fault}`);
  return (elapsedMs * 1e6) / HEADS_PER_ROUND;
}

/** In pieces, as they come from a socket. */
function timeChunks(bytes: Buffer): number {
  const counter = new Counter();
  const body = new ChunkedBody(limits.fieldCountMax);
  const startedMs = performance.now();
  for (let start = 0; start < bytes.length; start += READ_BYTES)
    body.decode(bytes, start, Math.min(start + READ_BYTES, bytes.length), counter);
  const elapsedMs = performance.now() - startedMs;
  if (!body.isDone || counter.bodyBytes < BODY_BYTES) throw new Error(`the body was not read to its end: ${body.fault}`);
  return counter.bodyBytes / 1e3 / elapsedMs;
}

if (import.meta.main) await runAlone(runCodecBench, defaults);
