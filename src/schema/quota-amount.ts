/** So many in a day, week or month of the calendar. Text in the configuration, a number and a period in the program. */
import type { z } from 'zod';
import { type CalendarPeriod, calendarPeriods, isTimeZone } from '#base/calendar-window.ts';
import { listWords, quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';

const AMOUNT = /^(\d{1,15})([kM]?)\/([a-z]+)$/;
const COUNT_MAX = 1_000_000_000;
const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1_000, M: 1_000_000 };

export interface QuotaAmount {
  readonly limit: number;
  readonly period: CalendarPeriod;
}

/** `100000/month`. */
export function formatQuotaAmount({ limit, period }: QuotaAmount): string {
  return `${limit}/${period}`;
}

function readQuotaAmount(text: string): Reading<QuotaAmount> {
  const match = AMOUNT.exec(text);
  if (match === null)
    return { problem: `${quote(text)} is not a quota; write a number and a period, such as \`100000/month\` or \`1M/month\`` };
  const limit = Number(match[1]) * FACTORS[match[2]!]!;
  const word = match[3]!;
  const period = calendarPeriods.find((known) => known === word);
  if (period === undefined) {
    const suggestion = suggestWord(word, calendarPeriods);
    const ending = suggestion === undefined ? '' : `; did you mean \`${limit}/${suggestion}\`?`;
    return { problem: `${quote(text)}: ${quote(word)} is no period; write ${listWords(calendarPeriods)}${ending}` };
  }
  if (limit < 1) return { problem: `${quote(text)} lets nothing pass; at least \`1/${period}\`` };
  if (limit > COUNT_MAX) return { problem: `${quote(text)} is too much; at most \`${COUNT_MAX}/${period}\`` };
  return { value: { limit, period } };
}

/** So many in a day, week or month. */
export function quotaAmount(): z.ZodType<QuotaAmount, string> {
  return textKind({
    noun: 'a quota',
    examples: ['100000/month', '1M/month', '5k/day'],
    pattern: AMOUNT,
    help: `So many in a period of the calendar: \`N/day\`, \`N/week\` or \`N/month\`, from 1 to ${COUNT_MAX}; \`5k\` is 5000, and \`1M\` a million.`,
    read: readQuotaAmount,
  });
}

/** The name of a time zone, as the system knows it. */
export function timeZone(): z.ZodType<string, string> {
  return textKind({
    noun: 'a time zone',
    examples: ['UTC', 'Europe/Berlin', 'America/New_York'],
    help: 'The name of a time zone.',
    read: (text) =>
      isTimeZone(text) ? { value: text } : { problem: `${quote(text)} is no time zone; write one such as \`Europe/Berlin\`` },
  });
}
