import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenJson } from './token-json.ts';

test('reads maps, with names as encoders write them', () => {
  for (const [text, expected] of [
    ['{}', {}],
    [' {"a" : 1 ,\r\n\t"b":[{"a":1},{"a":2}], "c":{"a":{}}} ', { a: 1, b: [{ a: 1 }, { a: 2 }], c: { a: {} } }],
    ['{"a":"\\":\\\\","b":"{\\"a\\":1,\\"a\\":2}"}', { a: '":\\', b: '{"a":1,"a":2}' }],
    ['{"https:\\/\\/example.com\\/roles":["\\u0061"]}', { 'https://example.com/roles': ['a'] }],
    ['{"\\u00c9quipe":1,"Équipe 2":2}', { Équipe: 1, 'Équipe 2': 2 }],
    ['{"":1}', { '': 1 }],
  ] as const)
    assert.deepEqual(parseTokenJson(text), expected, text);
});

test('refuses what others could read differently', () => {
  for (const text of [
    '',
    'null',
    '[]',
    '"a"',
    '{"a":1',
    "{'a':1}",
    '{"a":1,}',
    '{"a":1}{"a":1}',
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a" :3}',
    '{"x":[{"y":{"a":1,"a":2}}]}',
    '{"s\\u0075b":1}',
    '{"a\\/b":1,"a/b":2}',
    '{"\\u00e9":1,"é":2}',
    '{"\\"":1}',
    '{"\\\\":1}',
    '{"\\ud800":1}',
    '{"é\\n":1}',
    `{"a":${'['.repeat(16)}${']'.repeat(16)}}`,
  ])
    assert.equal(parseTokenJson(text), undefined, text);
  assert.notEqual(parseTokenJson(`{"a":${'['.repeat(15)}${']'.repeat(15)}}`), undefined);
});

test('what a name means does not depend on what was read before', () => {
  // `JSON.parse` of V8 14 then reads `s\u0075b` as `s\u`, and finds no name twice.
  JSON.parse('{"sub":"x","s\\\\u":1}');
  assert.equal(parseTokenJson('{"sub":"ann","s\\u0075b":"root"}'), undefined);
  JSON.parse('{"sub":"x","a\\\\":1}');
  assert.deepEqual(parseTokenJson('{"sub":"ann","a\\/":"b"}'), { sub: 'ann', 'a/': 'b' });
});
