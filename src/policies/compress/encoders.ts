import {
  type BrotliOptions,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompressSync,
} from 'node:zlib';
import { limits } from '#base/limits.ts';
import type { Codec } from '#pipeline/content-coding/coded-stream.ts';
import type { CompressConfig } from './config.ts';

export type Encoding = CompressConfig['encodings'][number];

/** One encoding with its level. */
export interface Encoder {
  readonly name: Encoding;
  /** What makes its codec give back all that it has been given. */
  readonly flushKind: number;
  /** At once, in the thread that asks. */
  compress(bytes: Buffer): Buffer;
  /** For a body that streams: a codec that works elsewhere. `lengthBytes`: of the body, where it is known. */
  open(lengthBytes: number | undefined): Codec;
}

/**
 * Streams hold this much of what they have seen to refer back to, and tables of about the same size. Less than the encodings would take by
 * themselves, since a gateway has many at a time: 0.4 MiB for gzip, 2 for brotli, 1.5 for zstd instead of 0.4, 2.5 and 3.5. The results are
 * less than 2 % longer (bench/compression.ts).
 */
const WINDOW_LOG = 18;
const ZSTD_TABLE_LOG = 17;
/** All of what is compressed at once fits in; a larger one would only take longer to set up. */
const AT_ONCE_WINDOW_LOG = Math.log2(limits.compressedAtOnceBytesMax);

/**
 * What is short enough to be compressed at once gets no higher levels than these: higher ones take longer than gzip does there, and hardly
 * make it shorter (bench/compression.ts).
 */
const BROTLI_AT_ONCE_MAX = 3;
const ZSTD_AT_ONCE_MAX = 5;

export function createEncoder(name: Encoding, levels: CompressConfig['levels']): Encoder {
  switch (name) {
    case 'gzip':
      return createGzipEncoder({ level: levels.gzip });
    case 'br':
      return createBrotliEncoder(levels.br);
    case 'zstd':
      return createZstdEncoder(levels.zstd);
    default:
      return name satisfies never;
  }
}

function createGzipEncoder(options: ZlibOptions): Encoder {
  return {
    name: 'gzip',
    flushKind: constants.Z_SYNC_FLUSH,
    compress: (bytes) => gzipSync(bytes, options),
    open: () => createGzip(options),
  };
}

function createBrotliEncoder(level: number): Encoder {
  const toOptions = (quality: number, windowLog: number): BrotliOptions => ({
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: windowLog },
  });
  const whole = toOptions(Math.min(level, BROTLI_AT_ONCE_MAX), AT_ONCE_WINDOW_LOG);
  const streamed = toOptions(level, WINDOW_LOG);
  return {
    name: 'br',
    flushKind: constants.BROTLI_OPERATION_FLUSH,
    compress: (bytes) => brotliCompressSync(bytes, whole),
    open: () => createBrotliCompress(streamed),
  };
}

function createZstdEncoder(level: number): Encoder {
  const whole: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: Math.min(level, ZSTD_AT_ONCE_MAX) } };
  const streamed: ZstdOptions = {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_hashLog]: ZSTD_TABLE_LOG,
      [constants.ZSTD_c_chainLog]: ZSTD_TABLE_LOG,
    },
  };
  return {
    name: 'zstd',
    flushKind: constants.ZSTD_e_flush,
    // Told the length, it sets up no more than it needs.
    compress: (bytes) => zstdCompressSync(bytes, { ...whole, pledgedSrcSize: bytes.length }),
    open: (lengthBytes) =>
      createZstdCompress(lengthBytes === undefined ? streamed : { ...streamed, pledgedSrcSize: lengthBytes }),
  };
}
