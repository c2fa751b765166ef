import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';

const RATIO_MAX = 10_000;

export const decompressConfig = z.strictObject({
  encodings: z
    .array(z.enum(['gzip', 'deflate', 'br', 'zstd']))
    .min(1)
    .refine((names) => new Set(names).size === names.length, { error: 'an encoding stands there twice' })
    .default(['gzip', 'deflate', 'br', 'zstd'])
    .describe('The codings that are taken off. Bodies with any other are refused.'),
  maxBytes: bytes({ min: '1B' }).prefault('10MiB').describe('How long a body may be, once it is decompressed.'),
  maxRatio: z
    .number()
    .min(1)
    .max(RATIO_MAX)
    .default(100)
    .describe('How many times as long as it came a body may become; it is looked at from 64KiB on.'),
});

export type DecompressConfig = z.infer<typeof decompressConfig>;
