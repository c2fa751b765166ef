import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { normaliseTarget, parseHost, type TargetFault } from './target.ts';

/** What becomes of a target in origin form; the query comes behind `?` as it was. */
const accepted: readonly (readonly [raw: string, path: string])[] = [
  ['/', '/'],
  ['/a', '/a'],
  ['/a/', '/a/'],
  ['/a/b.c/d~e_f-g', '/a/b.c/d~e_f-g'],
  ["/!$&'()*+,;=:@", "/!$&'()*+,;=:@"],
  ['/a;v=1/b', '/a;v=1/b'],
  // Dot segments.
  ['/.', '/'],
  ['/./', '/'],
  ['/a/.', '/a/'],
  ['/a/./b', '/a/b'],
  ['/a/b/..', '/a/'],
  ['/a/b/../', '/a/'],
  ['/a/b/../c', '/a/c'],
  ['/a/..', '/'],
  ['/a/../b/./c/../d', '/b/d'],
  ['/a/%2e/b', '/a/b'],
  ['/a/%2E%2e/b', '/b'],
  ['/a/.%2e/b', '/b'],
  ['/a/%2e', '/a/'],
  // Dots that are no dot segments.
  ['/...', '/...'],
  ['/.a/..b/c..', '/.a/..b/c..'],
  ['/%2ea', '/.a'],
  ['/a/.../b', '/a/.../b'],
  // Percent-encodings.
  ['/%61%7A%30', '/az0'],
  ['/%2D%2e%5F%7e', '/-._~'],
  ['/a%20b', '/a%20b'],
  ['/a%2fb', '/a%2Fb'],
  ['/a%2F...%2Fb', '/a%2F...%2Fb'],
  ['/a/..b%2F.c', '/a/..b%2F.c'],
  ['/a/..b;c/.d;e', '/a/..b;c/.d;e'],
  ['/%2f', '/%2F'],
  ['/%25', '/%25'],
  ['/%252e%252e/', '/%252e%252e/'],
  ['/%3f%23', '/%3F%23'],
  ['/%c3%a4', '/%C3%A4'],
  ['/%0a%0d%1f%7f', '/%0A%0D%1F%7F'],
  ['/%3b', '/%3B'],
  ['/"<>^`{|}', '/"<>^`{|}'],
];

test('makes one path of all that mean the same, and leaves the query as it came', () => {
  for (const [raw, path] of accepted) {
    assert.deepEqual(normaliseTarget(raw, 'GET'), { path, query: '', target: path, authority: undefined }, raw);
    const query = 'a=%2e%2E/../\\//b?c&%zz';
    assert.deepEqual(
      normaliseTarget(`${raw}?${query}`, 'GET'),
      { path, query, target: `${path}?${query}`, authority: undefined },
      `${raw} with a query`,
    );
  }
  assert.deepEqual(normaliseTarget('/a?', 'GET'), { path: '/a', query: '', target: '/a?', authority: undefined });
});

const refused: readonly (readonly [raw: string, fault: TargetFault])[] = [
  ['//', 'emptySegment'],
  ['//a', 'emptySegment'],
  ['/a//b', 'emptySegment'],
  ['/a//', 'emptySegment'],
  ['/a/.//b', 'emptySegment'],
  ['/a/..//b', 'emptySegment'],
  ['/a\\b', 'backslash'],
  ['/\\a', 'backslash'],
  ['/a%5cb', 'backslash'],
  ['/a%5C..', 'backslash'],
  ['/%', 'percentEncoding'],
  ['/%a', 'percentEncoding'],
  ['/%zz', 'percentEncoding'],
  ['/%2', 'percentEncoding'],
  ['/a%2/b', 'percentEncoding'],
  ['/%%32e', 'percentEncoding'],
  ['/%u002e', 'percentEncoding'],
  ['/a%00', 'encodedNul'],
  ['/%00/..', 'encodedNul'],
  ['/..', 'aboveRoot'],
  ['/../a', 'aboveRoot'],
  ['/a/../..', 'aboveRoot'],
  ['/%2e%2e/a', 'aboveRoot'],
  ['/./..', 'aboveRoot'],
  ['/a/..;/b', 'hiddenDotSegment'],
  ['/a/..;x=y/b', 'hiddenDotSegment'],
  ['/a/.;/b', 'hiddenDotSegment'],
  ['/a/%2e%2E;/b', 'hiddenDotSegment'],
  ['/a/..%3b/b', 'hiddenDotSegment'],
  ['/a/..%2fb', 'hiddenDotSegment'],
  ['/a%2f..%2fb', 'hiddenDotSegment'],
  ['/a%2f../b', 'hiddenDotSegment'],
  ['/a%2f..', 'hiddenDotSegment'],
  ['/a%2f%2e%2e?b', 'hiddenDotSegment'],
  ['/a%2f./b', 'hiddenDotSegment'],
  [`${'/a'.repeat(limits.pathSegmentsMax)}/a`, 'tooManySegments'],
  ['*', 'targetForm'],
  ['a', 'targetForm'],
  ['a/b', 'targetForm'],
  ['?a', 'targetForm'],
  ['shop:443', 'targetForm'],
  ['ftp://shop/a', 'targetForm'],
  ['https:/shop', 'targetForm'],
  ['http://', 'targetForm'],
  ['http:///a', 'targetForm'],
  ['http://?a', 'targetForm'],
  ['http://user@shop/a', 'targetForm'],
  ['http://user:pass@shop/', 'targetForm'],
  ['http://shop@/a', 'targetForm'],
  ['http://shop\\@other/', 'targetForm'],
  ['http://shop/a//b', 'emptySegment'],
  ['http://shop//', 'emptySegment'],
  ['http://shop/..', 'aboveRoot'],
];

test('refuses what an upstream could read in another way', () => {
  for (const [raw, fault] of refused) assert.equal(normaliseTarget(raw, 'GET'), fault, raw);
});

test('accepts as many segments as the limit says', () => {
  assert.equal(typeof normaliseTarget('/a'.repeat(limits.pathSegmentsMax), 'GET'), 'object');
});

test('reads a whole URL as authority and path', () => {
  const table: readonly (readonly [raw: string, authority: string, path: string, query: string])[] = [
    ['http://shop', 'shop', '/', ''],
    ['http://shop/', 'shop', '/', ''],
    ['HTTPS://Shop:8443/a/../b?c', 'Shop:8443', '/b', 'c'],
    ['http://shop?a=b', 'shop', '/', 'a=b'],
    ['http://[::1]:80/x', '[::1]:80', '/x', ''],
    ['http://shop/a@b', 'shop', '/a@b', ''],
    ['http://shop?a@b', 'shop', '/', 'a@b'],
  ];
  for (const [raw, authority, path, query] of table) {
    const target = query === '' ? path : `${path}?${query}`;
    assert.deepEqual(normaliseTarget(raw, 'GET'), { path, query, target, authority }, raw);
  }
});

test('knows the asterisk for OPTIONS only', () => {
  assert.deepEqual(normaliseTarget('*', 'OPTIONS'), { path: '*', query: '', target: '*', authority: undefined });
  assert.deepEqual(normaliseTarget('http://shop', 'OPTIONS'), { path: '*', query: '', target: '*', authority: 'shop' });
  assert.equal(normaliseTarget('*', 'options'), 'targetForm');
});

test('is stable: what is normal stays as it is', () => {
  const piece = fc.constantFrom('a', '.', '..', '/', '%2e', '%2F', '%41', ';', '%20', '?', 'b');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const once = normaliseTarget(`/${pieces.join('')}`, 'GET');
      if (typeof once === 'string') return;
      assert.deepEqual(normaliseTarget(once.target, 'GET'), once);
      assert.doesNotMatch(once.path, /\/\.{1,2}(?:\/|$)|\/\//);
    }),
  );
});

test('reads the host out of an authority', () => {
  const table: readonly (readonly [authority: string, host: string | undefined])[] = [
    ['shop', 'shop'],
    ['Shop.Example.COM', 'shop.example.com'],
    ['shop:80', 'shop'],
    ['shop:', 'shop'],
    ['shop.', 'shop'],
    ['shop.:80', 'shop'],
    ['127.0.0.1:8080', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]'],
    ['[2001:DB8::a]', '[2001:db8::a]'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['a_b', 'a_b'],
    ['', undefined],
    [':80', undefined],
    ['shop:http', undefined],
    ['shop:123456', undefined],
    ['shop:80:80', undefined],
    ['::1', undefined],
    ['[::1', undefined],
    ['[shop]', undefined],
    ['[::1]x', undefined],
    ['a@shop', undefined],
    ['shop/a', undefined],
    ['shop?a', undefined],
    ['a b', undefined],
    ['a%2eb', undefined],
    ["a'b", undefined],
    ['a,b', undefined],
    ['b\xfccher', undefined],
    ['.', undefined],
    ['..', undefined],
    ['a..b', undefined],
    ['.a', undefined],
    ['a'.repeat(254), undefined],
  ];
  for (const [authority, host] of table) assert.equal(parseHost(authority), host, authority);
});
