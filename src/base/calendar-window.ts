/** Days, weeks and months as they are counted in a time zone. A window begins when its first day does there. */

export const calendarPeriods = ['day', 'week', 'month'] as const;
export type CalendarPeriod = (typeof calendarPeriods)[number];

export interface CalendarWindow {
  readonly startMs: number;
  /** When the next one begins. */
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No place is further from UTC. */
const OFFSET_MS_MAX = 26 * HOUR_MS;
/** 1970 began on a Thursday, and weeks begin on Mondays (ISO 8601). */
const EPOCH_WEEKDAY = 3;
const WEEK_DAYS = 7;
const UTC = 'UTC';

export class Calendar {
  readonly #period: CalendarPeriod;
  /** `undefined`: UTC, for which nothing has to be looked up. */
  readonly #format: Intl.DateTimeFormat | undefined;

  constructor(period: CalendarPeriod, timeZone: string) {
    this.#period = period;
    this.#format = timeZone === UTC ? undefined : createFormat(timeZone);
  }

  /** The window that this moment is in. Costs something: ask again when the window has ended. */
  windowAt(nowMs: number): CalendarWindow {
    const first = this.#firstDayOf(this.#dayAt(nowMs));
    return { startMs: this.#startOf(first), endMs: this.#startOf(this.#firstDayBehind(first)) };
  }

  /** Days since 1970, as they are counted there. */
  #dayAt(ms: number): number {
    if (this.#format === undefined) return Math.floor(ms / DAY_MS);
    let year = 0;
    let month = 0;
    let day = 0;
    for (const { type, value } of this.#format.formatToParts(ms)) {
      if (type === 'year') year = Number(value);
      else if (type === 'month') month = Number(value);
      else if (type === 'day') day = Number(value);
    }
    return Math.floor(Date.UTC(year, month - 1, day) / DAY_MS);
  }

  #firstDayOf(day: number): number {
    switch (this.#period) {
      case 'day':
        return day;
      case 'week':
        return day - ((((day + EPOCH_WEEKDAY) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS);
      case 'month': {
        const date = new Date(day * DAY_MS);
        return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
      }
      default:
        return this.#period satisfies never;
    }
  }

  #firstDayBehind(first: number): number {
    if (this.#period === 'day') return first + 1;
    if (this.#period === 'week') return first + WEEK_DAYS;
    const date = new Date(first * DAY_MS);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY_MS;
  }

  /** The first moment at which it is that day there. Days differ in length, and some begin at one o'clock, or are left out. */
  #startOf(day: number): number {
    if (this.#format === undefined) return day * DAY_MS;
    let before = day * DAY_MS - OFFSET_MS_MAX;
    let within = day * DAY_MS + OFFSET_MS_MAX;
    while (within - before > 1) {
      const middle = Math.floor((before + within) / 2);
      if (this.#dayAt(middle) < day) before = middle;
      else within = middle;
    }
    return within;
  }
}

/** Whether the system knows this zone. */
export function isTimeZone(name: string): boolean {
  try {
    createFormat(name);
    return true;
  } catch {
    // That is how it says so.
    return false;
  }
}

function createFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', year: 'numeric', month: 'numeric', day: 'numeric' });
}
