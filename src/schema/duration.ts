/** Durations: text with a unit in the configuration, milliseconds in the program. */
import type { z } from 'zod';
import { assert } from '#base/assert.ts';
import { durationPattern, parseDuration } from './duration-text.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** About 24.8 days: what a Node timer can wait. More would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface DurationBounds {
  readonly min?: string;
  readonly max?: string;
}

/** A duration with its unit: `500ms`, `5s`, `1m`, `2h`. The value is in milliseconds. */
export function duration(bounds: DurationBounds = {}): z.ZodType<number, string> {
  const min = bounds.min ?? '0s';
  const max = bounds.max ?? '24d';
  const minMs = toBoundMs(min);
  const maxMs = toBoundMs(max);
  return textKind({
    noun: 'a duration',
    examples: ['500ms', '5s', '1m', '2h'],
    pattern: durationPattern,
    help: `A duration with a unit (\`ms\`, \`s\`, \`m\`, \`h\`, \`d\`), from ${min} to ${max}.`,
    read(text): Reading<number> {
      const ms = parseDuration(text);
      if (ms === undefined) return { problem: explainDuration(text) };
      if (ms < minMs) return { problem: `${quote(text)} is too short; at least \`${min}\`` };
      if (ms > maxMs) return { problem: `${quote(text)} is too long; at most \`${max}\`` };
      return { value: ms };
    },
  });
}

function toBoundMs(bound: string): number {
  const ms = parseDuration(bound);
  assert(ms !== undefined && ms <= TIMER_MS_MAX, `${bound} is not a bound of a duration`);
  return ms;
}

function explainDuration(text: string): string {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return `${quote(text)} has no unit; write \`${trimmed}s\` or \`${trimmed}ms\``;
  return `${quote(text)} is not a duration; write a number and a unit, such as \`500ms\`, \`5s\`, \`1m\` or \`2h\``;
}
