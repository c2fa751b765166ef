import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHttpDate, parseHttpDate } from './http-dates.ts';

const NOW_MS = Date.UTC(2026, 10, 27);
const SECONDS = Date.UTC(1994, 10, 6, 8, 49, 37) / 1_000;

for (const [text, seconds] of [
  ['Sun, 06 Nov 1994 08:49:37 GMT', SECONDS],
  ['Sunday, 06-Nov-94 08:49:37 GMT', SECONDS],
  ['Sun Nov  6 08:49:37 1994', SECONDS],
  ['SUN, 06 nov 1994 08:49:37 gmt', SECONDS],
  ['Sun, 06 Nov 1994 08:49:60 GMT', SECONDS + 22],
  ['Friday, 01-Jan-76 00:00:00 GMT', Date.UTC(2076, 0, 1) / 1_000],
  ['Friday, 01-Jan-77 00:00:00 GMT', Date.UTC(1977, 0, 1) / 1_000],
  ['Thu, 01 Jan 0050 00:00:00 GMT', -60_589_296_000],
  ['Sun, 31 Feb 1994 08:49:37 GMT', undefined],
  ['Sun, 06 Nox 1994 08:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 24:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 08:49:37 UTC', undefined],
  ['Sun, 6 Nov 1994 08:49:37 GMT', undefined],
  [' Sun, 06 Nov 1994 08:49:37 GMT', undefined],
  ['1994-11-06T08:49:37Z', undefined],
  ['0', undefined],
  ['', undefined],
] as const) {
  test(`${JSON.stringify(text)} is ${seconds === undefined ? 'no date' : seconds}`, () => {
    assert.equal(parseHttpDate(text, NOW_MS), seconds);
  });
}

test('what is written is read again', () => {
  assert.equal(parseHttpDate(formatHttpDate(NOW_MS), NOW_MS), NOW_MS / 1_000);
});
