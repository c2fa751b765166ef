/**
 * Dates as HTTP writes them (RFC 9110 §5.6.7). What is no date is none, and its field counts as if it were not there. Case does not matter, as
 * RFC 9111 §4.2 wishes.
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const IMF_FIXDATE = /^[a-z]{3}, ([0-9]{2}) ([a-z]{3}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/i;
const RFC_850 = /^[a-z]{6,9}, ([0-9]{2})-([a-z]{3})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/i;
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([0-9 ][0-9]) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})$/i;

/** Seconds since 1970. `nowMs` settles which century a year of two digits is of. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed !== null) return toSeconds(Number(fixed[3]), fixed[2]!, fixed[1]!, fixed.slice(4));
  const old = RFC_850.exec(text);
  if (old !== null) return toSeconds(toFullYear(Number(old[3]), nowMs), old[2]!, old[1]!, old.slice(4));
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return toSeconds(Number(asctime[6]), asctime[1]!, asctime[2]!, asctime.slice(3, 6));
  return undefined;
}

export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** RFC 9110 §5.6.7: what would be more than 50 years ahead has been. */
function toFullYear(year: number, nowMs: number): number {
  const present = new Date(nowMs).getUTCFullYear();
  const full = present - (present % 100) + year;
  return full > present + 50 ? full - 100 : full;
}

function toSeconds(year: number, monthName: string, dayText: string, time: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase());
  const day = Number(dayText);
  const [hours, minutes, seconds] = time.map(Number) as [number, number, number];
  // A leap second is the last of its minute.
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  date.setUTCHours(hours, minutes, Math.min(seconds, 59));
  return date.getUTCDate() === day && date.getUTCMonth() === month ? date.getTime() / 1_000 : undefined;
}
