import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraceState } from './trace-state.ts';

const BYTES_MAX = 512;
const read = (...lines: string[]) => readTraceState(lines, BYTES_MAX);
const members = (count: number, text = (i: number) => `k${i}=v`) => Array.from({ length: count }, (_, i) => text(i)).join(',');

const passed: readonly [string[], string][] = [
  [['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'], 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  [['a=1', 'b=2'], 'a=1,b=2'],
  [[' a=1 ,\t b=2\t'], 'a=1,b=2'],
  [['a=1,,b=2,'], 'a=1,b=2'],
  [['0a_-*/@tenant=x'], '0a_-*/@tenant=x'],
  [['a= with spaces inside'], 'a= with spaces inside'],
  [[`a=${'x'.repeat(256)}`], `a=${'x'.repeat(256)}`],
  [[members(32)], members(32)],
  // A key that is there twice is for those to judge who wrote it.
  [['a=1,a=2'], 'a=1,a=2'],
];

for (const [lines, expected] of passed)
  test(`passes on ${JSON.stringify(lines).slice(0, 60)}`, () => {
    assert.equal(read(...lines), expected);
  });

const dropped = [
  '',
  ' , ',
  'a',
  'a=',
  '=1',
  'A=1',
  'a b=1',
  '_a=1',
  'a=1=2',
  'ä=1',
  'a=\u00e4',
  'a=1,b',
  `${'k'.repeat(257)}=1`,
  `a=${'x'.repeat(257)}`,
  members(33),
];

for (const text of dropped)
  test(`drops ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.equal(read(text), undefined);
  });

test('a list that is too long loses its long members first, and then those at its end', () => {
  const long = `long=${'x'.repeat(150)}`;
  const short = members(16, (i) => `key${String(i).padStart(2, '0')}=${'v'.repeat(30)}`);
  const kept = read(`${long},${short}`)!;
  assert.ok(kept.length <= BYTES_MAX && short.startsWith(kept));
  assert.equal(kept.split(',').length, Math.floor((BYTES_MAX + 1) / 37));
  assert.equal(readTraceState([long], 100), undefined);
});
