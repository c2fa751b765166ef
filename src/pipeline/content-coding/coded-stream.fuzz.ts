/** Streams through codecs, with random pieces, flushes and pauses: what comes out decodes to what went in. Run by `npm test` like any test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gunzipSync,
  gzipSync,
  zstdDecompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { type Codec, type CodecError, CodedStream } from './coded-stream.ts';
import { openDecoder } from './decoders.ts';

/** Each input runs through threads, which takes its time. */
const RUNS_SHARE = 0.1;

interface Kind {
  open(): Codec;
  flushKind: number;
  decode(bytes: Buffer): Buffer;
}

const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const kinds: Readonly<Record<string, Kind>> = {
  gzip: { open: () => createGzip(), flushKind: constants.Z_SYNC_FLUSH, decode: gunzipSync },
  br: { open: () => createBrotliCompress(quick), flushKind: constants.BROTLI_OPERATION_FLUSH, decode: brotliDecompressSync },
  zstd: { open: () => createZstdCompress(), flushKind: constants.ZSTD_e_flush, decode: zstdDecompressSync },
};

/** Collects what comes out, and takes nothing for a while when it is told so. */
class Collector {
  readonly pieces: Buffer[] = [];
  readonly stream: CodedStream;
  readonly ended: Promise<CodecError | undefined>;
  #pausesLeft: number;
  #isPaused = false;
  #drained: (() => void) | undefined;

  constructor(codec: Codec, flushKind: number | undefined, pauses: number) {
    this.#pausesLeft = pauses;
    const { promise, resolve } = Promise.withResolvers<CodecError | undefined>();
    this.ended = promise;
    this.stream = new CodedStream(
      codec,
      {
        onCoded: (view) => this.#take(view),
        onCodedDrained: () => this.#drained?.(),
        onCodedEnd: () => resolve(undefined),
        onCodecFailed: resolve,
        onThrown: (thrown) => resolve(thrown as CodecError),
      },
      flushKind,
    );
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #take(view: Buffer): void {
    assert.equal(this.#isPaused, false, 'nothing comes after a pause');
    this.pieces.push(Buffer.from(view));
    if (this.#pausesLeft === 0) return;
    this.#pausesLeft -= 1;
    this.#isPaused = true;
    this.stream.pause();
    setImmediate(() => {
      this.#isPaused = false;
      this.stream.resume();
    });
  }
}

const piece = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 2, arbitrary: fc.nat(255).map((value) => new Uint8Array(70_000).fill(value)) },
);
const step = fc.record({ bytes: piece, flush: fc.boolean() });
const runs = (t: Parameters<typeof fuzzParameters>[0]) => {
  const parameters = fuzzParameters(t);
  return { ...parameters, numRuns: Math.ceil(parameters.numRuns * RUNS_SHARE) };
};

for (const [name, { open, flushKind, decode }] of Object.entries(kinds)) {
  test(`${name}: whatever the pieces, flushes and pauses, it is the same bytes`, async (t) => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(3), async (steps, pauses) => {
      const collector = new Collector(open(), flushKind, pauses);
      for (const { bytes, flush } of steps) {
        const lent = Buffer.from(bytes);
        const isTaken = collector.stream.write(lent);
        lent.fill(0x23);
        if (flush) collector.stream.flush();
        if (!isTaken) await collector.drained();
      }
      collector.stream.end();
      assert.equal(await collector.ended, undefined);
      assert.ok(decode(collector.bytes).equals(Buffer.concat(steps.map(({ bytes }) => bytes))));
    });
    await fc.assert(property, runs(t));
  });

  test(`${name}: what was flushed can be read before anything follows`, async (t) => {
    const property = fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 6 }),
      async (events) => {
        const collector = new Collector(open(), flushKind, 0);
        const decoder = openDecoder(name as 'gzip');
        let seen = 0;
        decoder.on('data', (view: Buffer) => {
          seen += view.length;
        });
        let sent = 0;
        for (const event of events) {
          const before = collector.pieces.length;
          collector.stream.write(Buffer.from(event));
          collector.stream.flush();
          sent += event.length;
          let fed = before;
          while (seen < sent) {
            await new Promise(setImmediate);
            while (fed < collector.pieces.length) decoder.write(collector.pieces[fed++]!);
          }
        }
        collector.stream.destroy();
        decoder.destroy();
      },
    );
    await fc.assert(property, runs(t));
  });
}

test('any bytes are decoded, or refused, and nothing else happens', async (t) => {
  const coding = fc.constantFrom('gzip', 'deflate', 'br', 'zstd');
  const whole = gzipSync('a text that is long enough to be cut and changed');
  const changed = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    return bytes;
  });
  const property = fc.asyncProperty(coding, fc.oneof(fc.uint8Array({ maxLength: 100 }), changed), async (name, bytes) => {
    const collector = new Collector(openDecoder(name), undefined, 0);
    collector.stream.write(Buffer.from(bytes));
    collector.stream.end();
    const error = await collector.ended;
    assert.ok(error === undefined || typeof error.code === 'string', String(error));
  });
  await fc.assert(property, runs(t));
});
