import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Calendar, type CalendarPeriod, isTimeZone } from './calendar-window.ts';

const HOUR_MS = 3_600_000;

const cases: readonly (readonly [what: string, period: CalendarPeriod, zone: string, now: string, start: string, end: string])[] =
  [
    ['a day in UTC', 'day', 'UTC', '2026-03-01T12:00:00Z', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['the first moment of a day', 'day', 'UTC', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['the last moment of a day', 'day', 'UTC', '2026-02-28T23:59:59.999Z', '2026-02-28T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['a week from Monday', 'week', 'UTC', '2026-11-29T23:00:00Z', '2026-11-23T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['a week from Monday, on it', 'week', 'UTC', '2026-11-30T00:00:00Z', '2026-11-30T00:00:00Z', '2026-12-07T00:00:00Z'],
    ['a week over the turn of a year', 'week', 'UTC', '2027-01-01T00:00:00Z', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['a February', 'month', 'UTC', '2026-02-28T23:59:59Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['a February with a day more', 'month', 'UTC', '2028-02-29T23:59:59Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
    ['a December', 'month', 'UTC', '2026-12-31T23:59:59Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    [
      'a month where it has begun already',
      'month',
      'Asia/Tokyo',
      '2026-01-31T15:00:00Z',
      '2026-01-31T15:00:00Z',
      '2026-02-28T15:00:00Z',
    ],
    [
      'a month where it has not yet',
      'month',
      'Asia/Tokyo',
      '2026-01-31T14:59:59Z',
      '2025-12-31T15:00:00Z',
      '2026-01-31T15:00:00Z',
    ],
    ['a day of 23 hours', 'day', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['a day of 25 hours', 'day', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    [
      'a month in which clocks change',
      'month',
      'Europe/Berlin',
      '2026-03-15T00:00:00Z',
      '2026-02-28T23:00:00Z',
      '2026-03-31T22:00:00Z',
    ],
    [
      'a day that begins at one o’clock',
      'day',
      'Africa/Cairo',
      '2026-04-24T12:00:00Z',
      '2026-04-23T22:00:00Z',
      '2026-04-24T21:00:00Z',
    ],
    ['a half-hour zone', 'day', 'Asia/Kolkata', '2026-06-01T18:30:00Z', '2026-06-01T18:30:00Z', '2026-06-02T18:30:00Z'],
    [
      'a zone furthest ahead',
      'day',
      'Pacific/Kiritimati',
      '2026-06-01T11:00:00Z',
      '2026-06-01T10:00:00Z',
      '2026-06-02T10:00:00Z',
    ],
    [
      'a day behind one that was left out',
      'day',
      'Pacific/Apia',
      '2011-12-30T12:00:00Z',
      '2011-12-30T10:00:00Z',
      '2011-12-31T10:00:00Z',
    ],
  ];

for (const [what, period, zone, now, start, end] of cases) {
  test(`finds ${what}`, () => {
    const { startMs, endMs } = new Calendar(period, zone).windowAt(Date.parse(now));
    assert.deepEqual([new Date(startMs), new Date(endMs)], [new Date(start), new Date(end)]);
  });
}

test('windows follow each other without a gap, for years, whatever clocks do', () => {
  for (const zone of ['UTC', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Europe/London']) {
    const calendar = new Calendar('day', zone);
    let window = calendar.windowAt(Date.parse('2016-01-01T12:00:00Z'));
    for (let i = 0; i < 1_200; i++) {
      const next = calendar.windowAt(window.endMs);
      assert.equal(next.startMs, window.endMs, `${zone} ${new Date(window.endMs).toISOString()}`);
      assert.ok(next.endMs - next.startMs >= 23 * HOUR_MS && next.endMs - next.startMs <= 25 * HOUR_MS);
      window = next;
    }
  }
});

test('knows which zones there are', () => {
  assert.deepEqual(['UTC', 'Europe/Berlin', 'Europe/Atlantis', ''].map(isTimeZone), [true, true, false, false]);
});
