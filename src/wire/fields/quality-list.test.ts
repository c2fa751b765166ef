import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMediaWeight, findWeight, parseQualityList, readQualityList } from './quality-list.ts';

const lists: readonly [text: string, ...items: [name: string, weight: number][]][] = [
  ['gzip', ['gzip', 1000]],
  ['GZip, br', ['gzip', 1000], ['br', 1000]],
  ['gzip;q=0.5,br;q=1.0,*;q=0', ['gzip', 500], ['br', 1000], ['*', 0]],
  ['gzip ; q=0.123 , br;Q=0.04', ['gzip', 123], ['br', 40]],
  ['a;q=1, b;q=0, c;q=0., d;q=1.', ['a', 1000], ['b', 0], ['c', 0], ['d', 1000]],
  ['a;q=0.1239', ['a', 123]],
  ['text/html;level=1;q=0.7;x', ['text/html', 700]],
  ['a/b;title="x,y;q=0";q=0.2, c/d', ['a/b', 200], ['c/d', 1000]],
  ['a/b;title="x\\",y";q=0.2', ['a/b', 200]],
  ['', ...[]],
  [' , ,gzip,, ;q=1', ['gzip', 1000]],
  // Who writes a weight that is none does not seem to want it; what stands beside counts.
  [
    'a;q=, b;q=x, c;q=1.001, d;q=2, e;q=-1, f;q=00, g;q=.5, h',
    ...'abcdefg'.split('').map((n): [string, number] => [n, 0]),
    ['h', 1000],
  ],
  ['a;q', ['a', 0]],
  ['a;b="unclosed, c;q=0', ['a', 1000]],
];

for (const [text, ...items] of lists) {
  test(`reads ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      parseQualityList(text).map(({ name, weight }) => [name, weight]),
      items,
    );
  });
}

test('several lines are one list, and no line is none', () => {
  const fields = ['accept-encoding', 'gzip', 'accept', 'a/b', 'accept-encoding', 'br;q=0.1'];
  assert.deepEqual(readQualityList(fields, 'accept-encoding'), [
    { name: 'gzip', weight: 1000 },
    { name: 'br', weight: 100 },
  ]);
  assert.equal(readQualityList(fields, 'accept-language'), undefined);
  assert.deepEqual(readQualityList(['accept', ''], 'accept'), []);
});

test('reads so many elements and no more', () => {
  assert.equal(parseQualityList(Array.from({ length: 64 }, (_, i) => `a${i}`).join()).length, 64);
  assert.equal(parseQualityList('a,'.repeat(30_000)).length, 64);
});

test('a coding has its own weight before that of the star', () => {
  const items = parseQualityList('gzip;q=0.2, *;q=0.7, br;q=0');
  assert.deepEqual(
    ['gzip', 'zstd', 'br'].map((name) => findWeight(items, name)),
    [200, 700, 0],
  );
  assert.equal(findWeight(parseQualityList('gzip'), 'br'), undefined);
});

test('a media type has the weight of the narrowest range', () => {
  const items = parseQualityList('text/*;q=0.3, text/html;q=0.7, text/html;level=1, */*;q=0.5, image/png;q=0');
  assert.deepEqual(
    ['text/html', 'text/plain', 'image/jpeg', 'image/png'].map((type) => findMediaWeight(items, type)),
    [1000, 300, 500, 0],
  );
  assert.equal(findMediaWeight(parseQualityList('text/html'), 'application/json'), 0);
});
