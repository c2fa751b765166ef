/** Durations: text with a unit in the configuration, milliseconds in the program. */
import type { z } from 'zod';
import { assert } from '#base/assert.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
/** About 24.8 days: what a Node timer can wait. More would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface DurationBounds {
  readonly min?: string;
  readonly max?: string;
}

/** `500ms`, `5s`, `1.5m`, `2h`, `7d` as milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
  // A fraction of a millisecond is below what any timer resolves.
  return Math.round(ms);
}

/** The shortest text that `parseDuration` reads as `ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % MS_PER_UNIT[unit] === 0) return `${ms / MS_PER_UNIT[unit]}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
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
    pattern: DURATION,
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
