/** Rates: so many in a time. Text in the configuration, numbers in the program. */
import type { z } from 'zod';
import { formatDuration, parseDuration } from './duration-text.ts';
import { listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';

const UNIT_MS: Readonly<Record<string, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const UNITS = Object.keys(UNIT_MS);
const RATE = /^(\d{1,15})\/([a-z]+|\d[\d.]*[a-z]+)$/;
const COUNT_MAX = 1_000_000;
const WINDOW_MS_MIN = 1_000;
const WINDOW_MS_MAX = 86_400_000;

export interface Rate {
  readonly limit: number;
  readonly windowMs: number;
}

/** `100/minute`, `10/5s`. */
export function formatRate({ limit, windowMs }: Rate): string {
  return `${limit}/${UNITS.find((unit) => UNIT_MS[unit] === windowMs) ?? formatDuration(windowMs)}`;
}

export function readRate(text: string): Reading<Rate> {
  const match = RATE.exec(text);
  if (match === null)
    return { problem: `${quote(text)} is not a rate; write a number and a unit of time, such as \`100/minute\` or \`10/5s\`` };
  const limit = Number(match[1]);
  const unit = match[2]!;
  const windowMs = UNIT_MS[unit] ?? parseDuration(unit);
  if (windowMs === undefined) return { problem: explainUnit(text, unit, limit) };
  if (limit < 1) return { problem: `${quote(text)} lets nothing pass; at least \`1/${unit}\`` };
  if (limit > COUNT_MAX) return { problem: `${quote(text)} is too much; at most \`${COUNT_MAX}/${unit}\`` };
  if (windowMs < WINDOW_MS_MIN) return { problem: `${quote(text)} counts over too short a time; at least \`1s\`` };
  if (windowMs > WINDOW_MS_MAX) return { problem: `${quote(text)} counts over too long a time; at most \`1d\`` };
  return { value: { limit, windowMs } };
}

function explainUnit(text: string, unit: string, limit: number): string {
  const suggestion = suggestWord(unit, UNITS);
  const ending = suggestion === undefined ? '' : `; did you mean \`${limit}/${suggestion}\`?`;
  return `${quote(text)}: ${quote(unit)} is no unit of time; write ${listWords(UNITS)}, or a duration such as \`10s\`${ending}`;
}

/** So many in a second, minute, hour or day, or in a time such as `10s`. */
export function rate(): z.ZodType<Rate, string> {
  return textKind({
    noun: 'a rate',
    examples: ['100/minute', '10/second', '500/10s'],
    pattern: RATE,
    help: `So many in a time: \`N/second\`, \`N/minute\`, \`N/hour\`, \`N/day\`, or \`N/10s\`, from 1 to ${COUNT_MAX} in 1s to 1d.`,
    read: readRate,
  });
}
