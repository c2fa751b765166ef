/** Codecs that decode bodies. What they are given is somebody else's choice: what they take of memory and give back is limited here and by the caller. */
import {
  type BrotliOptions,
  brotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompress,
} from 'node:zlib';
import type { Codec, CodecError } from './coded-stream.ts';

export const decodableCodings = ['gzip', 'deflate', 'br', 'zstd'] as const;
export type DecodableCoding = (typeof decodableCodings)[number];

/** How much may come out of a body. */
export interface DecodingCaps {
  readonly bytesMax: number;
  /** How many times as long as what went in. */
  readonly ratioMax: number;
}

/** Until so much has come out, the ratio is not looked at: short texts may well be one letter many times. */
const RATIO_FROM_BYTES = 64 * 1024;

/** RFC 1952 §2.2: several members are one file; zeros may stand behind them, anything else is an error to Node. */
const gzipOptions: ZlibOptions = {};
/** RFC 1950 has one stream. */
const deflateOptions: ZlibOptions = { rejectGarbageAfterEnd: true };
const brotliOptions: BrotliOptions = { rejectGarbageAfterEnd: true };
/** RFC 9659 §3: no window beyond 8 MiB. A frame could ask for gigabytes. */
const ZSTD_WINDOW_LOG_MAX = 23;
const zstdOptions: ZstdOptions = {
  rejectGarbageAfterEnd: true,
  params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
};

const openers: Readonly<Record<DecodableCoding, () => Codec>> = {
  gzip: () => createGunzip(gzipOptions),
  deflate: () => createInflate(deflateOptions),
  br: () => createBrotliDecompress(brotliOptions),
  zstd: () => createZstdDecompress(zstdOptions),
};

type Decoded = (error: Error | null, bytes: Buffer) => void;

const wholeDecoders: Readonly<Record<DecodableCoding, (bytes: Buffer, maxOutputLength: number, done: Decoded) => void>> = {
  gzip: (bytes, maxOutputLength, done) => gunzip(bytes, { ...gzipOptions, maxOutputLength }, done),
  deflate: (bytes, maxOutputLength, done) => inflate(bytes, { ...deflateOptions, maxOutputLength }, done),
  br: (bytes, maxOutputLength, done) => brotliDecompress(bytes, { ...brotliOptions, maxOutputLength }, done),
  zstd: (bytes, maxOutputLength, done) => zstdDecompress(bytes, { ...zstdOptions, maxOutputLength }, done),
};

export function isDecodable(coding: string): coding is DecodableCoding {
  return (decodableCodings as readonly string[]).includes(coding);
}

export function openDecoder(coding: DecodableCoding): Codec {
  return openers[coding]();
}

/** `too-long` and `too-dense`: more would come out than may. */
export type DecodingFault = 'too-long' | 'too-dense' | 'truncated' | 'malformed';

/** What is wrong when so much came out of so much. */
export function findDecodingFault(inBytes: number, outBytes: number, caps: DecodingCaps): DecodingFault | undefined {
  if (outBytes > caps.bytesMax) return 'too-long';
  return outBytes > densestBytes(inBytes, caps) ? 'too-dense' : undefined;
}

export function toDecodingFault({ code }: CodecError): DecodingFault {
  return code === 'Z_BUF_ERROR' ? 'truncated' : 'malformed';
}

/** A whole body, on the threads of Node's pool. */
export function decodeWhole(coding: DecodableCoding, bytes: Buffer, caps: DecodingCaps): Promise<Buffer | DecodingFault> {
  const densest = densestBytes(bytes.length, caps);
  return new Promise((resolve) =>
    wholeDecoders[coding](bytes, Math.max(1, Math.min(caps.bytesMax, densest)), (error, decoded) => {
      if (error === null) resolve(decoded);
      else if ((error as CodecError).code !== 'ERR_BUFFER_TOO_LARGE') resolve(toDecodingFault(error));
      else resolve(densest < caps.bytesMax ? 'too-dense' : 'too-long');
    }),
  );
}

function densestBytes(inBytes: number, { ratioMax }: DecodingCaps): number {
  return Math.max(RATIO_FROM_BYTES, inBytes * ratioMax);
}
