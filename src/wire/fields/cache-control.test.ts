import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnswerDirectives, readAnswerDirectives, readRequestDirectives, SECONDS_MAX } from './cache-control.ts';

const answer = (...lines: string[]) =>
  readAnswerDirectives(
    lines.flatMap((line) => ['cache-control', line]),
    [],
  );
const targeted = (text: string, ...more: string[]) => readAnswerDirectives(['x-target', text, ...more], ['x-target']);

const nothing: AnswerDirectives = answer();

test('without a word nothing is said', () => {
  assert.deepEqual(nothing, {
    maxAgeS: undefined,
    sharedMaxAgeS: undefined,
    staleWhileRevalidateS: undefined,
    staleIfErrorS: undefined,
    noStore: false,
    noCache: 'none',
    private: 'none',
    isPublic: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    mustUnderstand: false,
    isImmutable: false,
    isTargeted: false,
  });
});

for (const [text, said] of [
  ['max-age=60', { maxAgeS: 60 }],
  ['max-age="60"', { maxAgeS: 60 }],
  ['max-age="6\\0"', { maxAgeS: 60 }],
  ['MAX-AGE=60', { maxAgeS: 60 }],
  ['  max-age=60  ,, public', { maxAgeS: 60, isPublic: true }],
  ['max-age=060', { maxAgeS: 60 }],
  ['max-age=2147483649', { maxAgeS: SECONDS_MAX }],
  ['max-age=99999999999999999999999999', { maxAgeS: SECONDS_MAX }],
  ['max-age', { maxAgeS: 0 }],
  ['max-age=', { maxAgeS: 0 }],
  ['max-age=-1', { maxAgeS: 0 }],
  ['max-age=1.5', { maxAgeS: 0 }],
  ['max-age=1e3', { maxAgeS: 0 }],
  ['max-age=60 s', { maxAgeS: 0 }],
  ['max-age = 60', { maxAgeS: 0 }],
  ["max-age='60'", { maxAgeS: 0 }],
  ['max-age="60', { maxAgeS: 0 }],
  ['max-age=1, max-age=2', { maxAgeS: 1 }],
  ['s-maxage=5, max-age=6', { maxAgeS: 6, sharedMaxAgeS: 5 }],
  ['stale-while-revalidate=5, stale-if-error=6', { staleWhileRevalidateS: 5, staleIfErrorS: 6 }],
  ['stale-while-revalidate=x, stale-if-error', {}],
  ['no-store', { noStore: true }],
  ['no-store=x', { noStore: true }],
  ['No-Store', { noStore: true }],
  ['no-cache', { noCache: 'all' }],
  ['no-cache="a, B"', { noCache: ['a', 'b'] }],
  ['no-cache=a', { noCache: ['a'] }],
  ['no-cache="a", no-cache', { noCache: 'all' }],
  ['no-cache="a", no-cache="b"', { noCache: ['a', 'b'] }],
  ['no-cache=""', { noCache: 'all' }],
  ['no-cache="a b"', { noCache: 'all' }],
  ['private', { private: 'all' }],
  ['private="set-cookie"', { private: ['set-cookie'] }],
  ['public, must-revalidate, proxy-revalidate', { isPublic: true, mustRevalidate: true, proxyRevalidate: true }],
  ['must-understand, immutable', { mustUnderstand: true, isImmutable: true }],
  ['a="no-store", b', {}],
  ['a="x\\", no-store", b', {}],
  ['a="x, no-store', { noStore: true }],
  ['nostore', {}],
] as const)
  test(`an answer that says ${JSON.stringify(text)}`, () => assert.deepEqual(answer(text), { ...nothing, ...said }));

test('several lines are read as one', () => {
  assert.deepEqual(answer('max-age=60', 'no-store'), { ...nothing, maxAgeS: 60, noStore: true });
});

for (const [text, said] of [
  ['max-age=60', { maxAgeS: 60 }],
  ['max-age=60;x=1, no-store', { maxAgeS: 60, noStore: true }],
  ['max-age=1, max-age=60', { maxAgeS: 60 }],
  ['max-age="60"', {}],
  ['max-age=60.0', {}],
  ['max-age', {}],
  ['no-store=?0', {}],
  ['no-cache="a, b", private', { noCache: ['a', 'b'], private: 'all' }],
  ['max-age=(1 2)', {}],
] as const)
  test(`a field for us alone that says ${text}`, () => {
    assert.deepEqual(targeted(text, 'cache-control', 'max-age=5'), { ...nothing, isTargeted: true, ...said });
  });

for (const text of ['', 'max-age=', 'MAX-AGE=60', 'max-age=60,', 'max-age=60 no-store', 'ä'])
  test(`a field for us alone that says ${JSON.stringify(text)} is not there`, () => {
    assert.deepEqual(targeted(text, 'cache-control', 'max-age=5'), { ...nothing, maxAgeS: 5 });
  });

test('the first field that can be read counts', () => {
  const fields = ['b', 'max-age=2', 'a', 'MAX-AGE=1', 'c', 'max-age=3'];
  assert.equal(readAnswerDirectives(fields, ['a', 'b', 'c']).maxAgeS, 2);
});

const silent = readRequestDirectives([]);

for (const [fields, said] of [
  [
    ['cache-control', 'max-age=5, min-fresh=6, max-stale=7, stale-if-error=8'],
    { maxAgeS: 5, minFreshS: 6, maxStaleS: 7, staleIfErrorS: 8 },
  ],
  [['cache-control', 'max-stale'], { maxStaleS: Number.POSITIVE_INFINITY }],
  [['cache-control', 'max-stale=x, max-age=y, min-fresh=z'], {}],
  [['cache-control', 'no-cache, no-store, only-if-cached'], { noCache: true, noStore: true, onlyIfCached: true }],
  [['pragma', 'x, No-Cache'], { noCache: true }],
  [['pragma', 'no-cache', 'cache-control', 'max-age=5'], { maxAgeS: 5 }],
  [['pragma', 'x'], {}],
] as const)
  test(`a request that says ${fields.join(' ')}`, () => assert.deepEqual(readRequestDirectives(fields), { ...silent, ...said }));
