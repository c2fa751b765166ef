/** Sizes: text with a unit in the configuration, bytes in the program. */
import type { z } from 'zod';
import { assert } from '#base/assert.ts';
import { BYTES_PER_UNIT } from '#base/byte-text.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const BYTES = /^(\d{1,12}(?:\.\d{1,3})?)(B|[kKMG]B|[KMG]iB)$/;

export interface BytesBounds {
  readonly min?: string;
  readonly max?: string;
}

/** `512B`, `64KiB`, `1MB` as bytes; `undefined` for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = BYTES.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * BYTES_PER_UNIT[match[2] as keyof typeof BYTES_PER_UNIT]);
}

/** A size with its unit: `512B`, `64KiB`, `1MB`. The value is in bytes. */
export function bytes(bounds: BytesBounds = {}): z.ZodType<number, string> {
  const min = bounds.min ?? '0B';
  const max = bounds.max ?? '1024GiB';
  const minBytes = toBoundBytes(min);
  const maxBytes = toBoundBytes(max);
  return textKind({
    noun: 'a size',
    examples: ['64KiB', '1MB', '512B'],
    pattern: BYTES,
    help: `A size with a unit (\`B\`, \`KiB\`, \`MiB\`, \`GiB\`, \`kB\`, \`MB\`, \`GB\`), from ${min} to ${max}.`,
    read(text): Reading<number> {
      const count = parseBytes(text);
      if (count === undefined) return { problem: explainBytes(text) };
      if (count < minBytes) return { problem: `${quote(text)} is too small; at least \`${min}\`` };
      if (count > maxBytes) return { problem: `${quote(text)} is too large; at most \`${max}\`` };
      return { value: count };
    },
  });
}

function toBoundBytes(bound: string): number {
  const count = parseBytes(bound);
  assert(count !== undefined, `${bound} is not a bound of a size`);
  return count;
}

function explainBytes(text: string): string {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return `${quote(text)} has no unit; write \`${trimmed}B\`, \`${trimmed}KiB\` or \`${trimmed}MiB\``;
  return `${quote(text)} is not a size; write a number and a unit, such as \`512B\`, \`64KiB\` or \`1MB\``;
}
