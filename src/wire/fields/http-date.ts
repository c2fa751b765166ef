/**
 * Dates of HTTP (RFC 9110 §5.6.7) in the three forms that have ever been allowed. Case does not matter, as RFC 9111 §4.2 wishes; what is
 * in no form, or in another zone than GMT, is no date.
 */

const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';
const FIXDATE = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun), (\\d\\d) ([a-z]{3}) (\\d{4}) ${TIME} gmt$`, 'i');
const RFC850_DATE = new RegExp(
  `^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d\\d)-([a-z]{3})-(\\d\\d) ${TIME} gmt$`,
  'i',
);
const ASCTIME_DATE = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun) ([a-z]{3}) ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i');
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const LENGTH_MAX = 40;
const YEARS_AHEAD_MAX = 50;

/** Milliseconds since 1970; `undefined`: it is no date. `nowMs` tells the century of a year with two digits. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const fixed = FIXDATE.exec(text);
  if (fixed !== null) return toMs({ day: fixed[1]!, month: fixed[2]!, year: Number(fixed[3]) }, fixed, 4);
  const old = RFC850_DATE.exec(text);
  if (old !== null) return toMs({ day: old[1]!, month: old[2]!, year: toWholeYear(Number(old[3]), nowMs) }, old, 4);
  const short = ASCTIME_DATE.exec(text);
  return short === null ? undefined : toMs({ day: short[2]!, month: short[1]!, year: Number(short[6]) }, short, 3);
}

function toMs(
  { day, month, year }: { readonly day: string; readonly month: string; readonly year: number },
  match: RegExpExecArray,
  timeAt: number,
): number | undefined {
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  const dayOfMonth = Number(day);
  const [hours, minutes, seconds] = match.slice(timeAt, timeAt + 3).map(Number) as [number, number, number];
  // 60: a leap second.
  if (monthIndex < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, monthIndex, dayOfMonth);
  // A day that the month does not have would be one of the next month.
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== dayOfMonth) return undefined;
  return date.setUTCHours(hours, minutes, seconds);
}

/** A year that seems to be more than 50 years ahead is the last one in the past with the same digits. */
function toWholeYear(digits: number, nowMs: number): number {
  const present = new Date(nowMs).getUTCFullYear();
  const year = present - (present % 100) + digits;
  return year > present + YEARS_AHEAD_MAX ? year - 100 : year;
}

/** The form that is written today. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
