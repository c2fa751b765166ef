/** Takes compression off a whole body, so that what is in it can be looked at. */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

const UNPACKED_BYTES_MAX = 4 * 1024 * 1024;

const decoders: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** `undefined`: it is damaged, too long, or compressed in another way. */
export function unpack(coding: string, bytes: Buffer): Buffer | undefined {
  const decode = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
  try {
    return decode?.(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch {
    // Whoever sent it sent nothing that could be kept.
    return undefined;
  }
}
