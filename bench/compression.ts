/**
 * What compressing costs and brings at the levels of the defaults, against gzip at its own default, 6.
 *
 * Usage: node bench/compression.ts [--rounds 7] [--markdown]
 *
 * Each body goes through each encoder as it does in the gateway: short ones at once, longer ones in pieces through a codec. The encoders
 * take turns within a round, and the median of the rounds counts. The lengths are exact.
 */
import { createGzip, gzipSync } from 'node:zlib';
import { limits } from '#base/limits.ts';
import type { Codec } from '#pipeline/content-coding/coded-stream.ts';
import { compressConfig } from '#policies/compress/config.ts';
import { createEncoder } from '#policies/compress/encoders.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { makeHtml, makeJson, makeProse } from './support/sample-bodies.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 7 };
const ROUND_MS = 100;
const PIECE_BYTES = 64 * 1024;
const GZIP_LEVEL = 6;

const KIB = 1024;
const bodies: Readonly<Record<string, Buffer>> = {
  'JSON 4 KiB': makeJson(4 * KIB),
  'JSON 16 KiB': makeJson(16 * KIB),
  'JSON 100 KiB': makeJson(100 * KIB),
  'HTML 100 KiB': makeHtml(100 * KIB),
  'text 100 KiB': makeProse(100 * KIB),
  'JSON 1 MiB': makeJson(KIB * KIB),
};

interface Contender {
  readonly name: string;
  compress(bytes: Buffer): Buffer;
  open(lengthBytes: number): Codec;
}

const { encodings, levels } = compressConfig.parse({});
const reference: Contender = {
  name: `gzip ${GZIP_LEVEL}`,
  compress: (bytes) => gzipSync(bytes, { level: GZIP_LEVEL }),
  open: () => createGzip({ level: GZIP_LEVEL }),
};
const contenders: readonly Contender[] = [
  reference,
  ...encodings.map((name) => ({ ...createEncoder(name, levels), name: `${name} ${levels[name]}` })),
];

/** The length of what came out. */
async function compress(contender: Contender, body: Buffer): Promise<number> {
  if (body.length <= limits.compressedAtOnceBytesMax) return contender.compress(body).length;
  const codec = contender.open(body.length);
  let length = 0;
  codec.on('data', (view: Buffer) => {
    length += view.length;
  });
  const ended = new Promise((resolve, reject) => codec.once('end', resolve).once('error', reject));
  for (let at = 0; at < body.length; at += PIECE_BYTES) codec.write(body.subarray(at, at + PIECE_BYTES));
  codec.end();
  await ended;
  return length;
}

async function measureOnce(contender: Contender, body: Buffer): Promise<number> {
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < ROUND_MS; count += 1) await compress(contender, body);
  return (body.length * count) / ((performance.now() - startMs) * 1_000);
}

async function compareEncoders(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  const totals = new Map<string, { bytes: number; seconds: number }>();
  for (const [name, body] of Object.entries(bodies)) {
    const speeds = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
    for (let count = 0; count < rounds; count += 1)
      for (const [contender, figures] of speeds) figures.push(await measureOnce(contender, body));
    const referenceBytes = await compress(reference, body);
    const referenceSpeed = median(speeds.get(reference)!);
    for (const [contender, figures] of speeds) {
      const bytes = await compress(contender, body);
      const speed = median(figures);
      const total = totals.get(contender.name) ?? { bytes: 0, seconds: 0 };
      totals.set(contender.name, { bytes: total.bytes + bytes, seconds: total.seconds + body.length / speed });
      rows.push({
        body: name,
        encoding: contender.name,
        'MB/s': round(speed, 1),
        speed: round(speed / referenceSpeed, 2),
        bytes,
        size: round(bytes / referenceBytes, 3),
      });
    }
  }
  const all = totals.get(reference.name)!;
  for (const [name, { bytes, seconds }] of totals)
    rows.push({
      body: 'all together',
      encoding: name,
      speed: round(all.seconds / seconds, 2),
      bytes,
      size: round(bytes / all.bytes, 3),
    });
  return rows;
}

export async function runCompressionBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const notes = [
    `"speed" and "size" are relative to ${reference.name}.`,
    'Target: all together faster than gzip at its default, and no longer.',
  ];
  return { name: 'compression', rows: await compareEncoders(rounds), notes };
}

if (import.meta.main) await runAlone(runCompressionBench, defaults);
