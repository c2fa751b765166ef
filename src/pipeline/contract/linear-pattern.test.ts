import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { patternLibrary } from '../expression/pattern-library.ts';
import { toLinearPattern } from './linear-pattern.ts';

before(() => patternLibrary.load());

test('patterns of JavaScript match the same', () => {
  const cases: readonly [string, string, boolean][] = [
    ['^[a-z\\u00e9]+$', 'abé', true],
    ['^\\u{1F600}$', '😀', true],
    ['^a\\/b$', 'a/b', true],
    ['b', 'abc', true],
    ['^\\\\u0041$', '\\u0041', true],
    ['^\\d{3}$', '12', false],
  ];
  for (const [pattern, text, isMatch] of cases) {
    const reading = toLinearPattern(pattern);
    assert.ok('value' in reading, pattern);
    assert.equal(patternLibrary.module.compile(reading.value).test(text), isMatch, pattern);
  }
});

test('what cannot be matched in linear time is told apart from what is no pattern', () => {
  const kind = (pattern: string) => {
    const reading = toLinearPattern(pattern);
    return 'value' in reading ? 'fine' : reading.isPattern;
  };
  assert.deepEqual(['^(?=.*\\d).+$', '(a)\\1', '(', '^(?:a+)+$'].map(kind), [true, true, false, 'fine']);
});
