import assert from 'node:assert/strict';
import test from 'node:test';
import { findCookie, listCookieFamily, withoutCookie, withoutCookieFamily } from './cookies.ts';

const lines = (...values: readonly string[]) => ['x-a', '1', ...values.flatMap((value) => ['cookie', value]), 'x-b', ''];

const found: readonly [line: readonly string[], value: string | undefined, rest: readonly string[] | undefined][] = [
  [[], undefined, undefined],
  [['at=1'], '1', []],
  [['a=0; at=1'], '1', ['a=0']],
  [['at=1; b=2'], '1', ['b=2']],
  [['a=0; at=1; b=2'], '1', ['a=0; b=2']],
  [['a=0;at=1;b=2'], '1', ['a=0;b=2']],
  [['at=1; b=2; at=3'], '1', ['b=2']],
  [['a=0', 'at=1', 'b=2'], '1', ['a=0', 'b=2']],
  [['at="1"'], '1', []],
  [['at= 1 '], '1', []],
  [['at='], '', []],
  [['at'], undefined, undefined],
  [['bat=1; at2=3; AT=4'], undefined, undefined],
  [['a=at=1'], undefined, undefined],
  [[';; ;at=1;'], '1', []],
  [['at=a=b'], 'a=b', []],
];

for (const [values, value, rest] of found) {
  test(`finds ${value ?? 'no cookie'} in ${values.join(' and ') || 'nothing'}, and can leave it out`, () => {
    assert.equal(findCookie(lines(...values), 'at'), value);
    assert.deepEqual(withoutCookie(lines(...values), 'at'), rest && lines(...rest));
  });
}

const families: [values: string[], names: string[], rest: string[] | undefined][] = [
  [['b=1'], [], undefined],
  [['at=1; at.1=2; b=3'], ['at', 'at.1'], ['b=3']],
  [['at.x-y=1', 'at.1=2'], ['at.x-y', 'at.1'], []],
  [['at.1=2; at.1=3'], ['at.1', 'at.1'], []],
  [['atx=1; bat.1=2; at-1=3; AT.1=4'], [], undefined],
  [['at.; at; at.x; b=at.1=2'], [], undefined],
  [['at.=1'], ['at.'], []],
  [['at.x; b=1; at.y=2'], ['at.y'], ['at.x; b=1']],
];

for (const [values, names, rest] of families) {
  test(`finds ${names.join(' and ') || 'no family'} in ${values.join(' and ')}, and can leave it out`, () => {
    assert.deepEqual(listCookieFamily(lines(...values), 'at'), names);
    assert.deepEqual(withoutCookieFamily(lines(...values), 'at'), rest && lines(...rest));
  });
}

test('a line of separators alone costs no more than its length', () => {
  const line = ';'.repeat(60_000);
  assert.equal(findCookie(['cookie', line], 'at'), undefined);
  assert.equal(withoutCookie(['cookie', `${'at=1;'.repeat(12_000)}b=2`], 'at')?.[1], 'b=2');
});
