import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { mediaTypePattern } from '#schema/media-type.ts';

const TYPES_MAX = 200;

/** What stays about the same size, or belongs to programs that do it themselves, is left out. */
const compressibleTypes = [
  'text/*',
  '+json',
  '+xml',
  '+yaml',
  'application/json',
  'application/x-ndjson',
  'application/jsonl',
  'application/json-seq',
  'application/javascript',
  'application/x-javascript',
  'application/xml',
  'application/yaml',
  'application/toml',
  'application/graphql',
  'application/x-www-form-urlencoded',
  'application/rtf',
  'application/wasm',
  'application/vnd.ms-fontobject',
  'font/ttf',
  'font/otf',
  'image/bmp',
  'image/x-icon',
  'image/vnd.microsoft.icon',
];

// Higher levels of brotli and zstd take tens of MiB for each answer, and more time than an answer is worth.
const levels = z
  .strictObject({
    gzip: z.int().min(1).max(9).default(5).describe('From 1 (fast) to 9 (small).'),
    br: z.int().min(0).max(7).default(4).describe('From 0 (fast) to 7 (small).'),
    zstd: z.int().min(1).max(12).default(6).describe('From 1 (fast) to 12 (small).'),
  })
  .prefault({});

export const compressConfig = z.strictObject({
  encodings: z
    .array(z.enum(['zstd', 'br', 'gzip']))
    .min(1)
    .refine((names) => new Set(names).size === names.length, { error: 'an encoding stands there twice' })
    .default(['zstd', 'br', 'gzip'])
    .describe('The encodings that are used. Of those that a client likes best, the first is taken.'),
  types: z
    .array(mediaTypePattern())
    .min(1)
    .max(TYPES_MAX)
    .default(compressibleTypes)
    .describe('Types of content that are compressed: `text/html`, `text/*`, or `+json` for all that end so.'),
  minBytes: bytes({ max: '1GiB' })
    .prefault('1KiB')
    .describe('How long an answer has to be, where its length is known when it begins.'),
  levels: levels.describe(
    'How hard the encodings try. Answers of up to 16 KiB get level 3 of br and level 5 of zstd at most, since more does not pay for them.',
  ),
  acceptEncoding: z
    .enum(['pass', 'identity'])
    .default('pass')
    .describe(
      'What services are told: what the client accepts, so that they may compress themselves; or `identity`, so that policies can read their answers.',
    ),
  crossSite: z
    .enum(['plain', 'compress'])
    .default('plain')
    .describe(
      'Answers to what a browser asks with cookies because a page of another site makes it: how long they are could tell that page what is in them (BREACH).',
    ),
});

export type CompressConfig = z.infer<typeof compressConfig>;
