import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { readJson } from './json-text.ts';

const read = (text: string | Buffer, depthMax = 8) => readJson(Buffer.from(text as string), depthMax);

test('JSON is its value', () => {
  assert.deepEqual(read('{"a":[1,{"b":":\\"{["}],"c":{}}'), { value: { a: [1, { b: ':"{[' }], c: {} } });
  assert.deepEqual(read('5'), { value: 5 });
});

const faults: readonly [string, string | Buffer, string][] = [
  ['a key twice', '{"a":1,"b":2,"a":3}', 'duplicate'],
  ['a key twice, once escaped', '{"a":1,"\\u0061":2}', 'duplicate'],
  ['a key twice deep inside', '[{"x":{"a":1,"a":1}}]', 'duplicate'],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'encoding'],
  ['a byte order mark', '\ufeff{}', 'syntax'],
  ['half of it', '{"a":', 'syntax'],
  ['nothing', '', 'syntax'],
  ['a text that does not end', '"abc', 'syntax'],
];
for (const [name, text, fault] of faults) {
  test(`${name} is a fault`, () => assert.deepEqual(read(text), { fault }));
}

test('depth ends where it may, and one level below', () => {
  assert.deepEqual(read('[[{"a":[]}]]', 4), { value: [[{ a: [] }]] });
  assert.deepEqual(read('[[{"a":[]}]]', 3), { fault: 'depth' });
  assert.deepEqual(read('['.repeat(100_000), 64), { fault: 'depth' });
});

test('the same key in two objects, and one of the language, is none twice', () => {
  const reading = read('{"__proto__":{"a":1},"b":{"a":2},"constructor":3}');
  assert.ok('value' in reading);
  assert.deepEqual(Object.keys(reading.value as object), ['__proto__', 'b', 'constructor']);
});

test('whatever JSON.stringify writes is read as it was', (context) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(readJson(Buffer.from(JSON.stringify(value)), 1_000), { value: JSON.parse(JSON.stringify(value)) });
    }),
    fuzzParameters(context),
  );
});
