import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonDocument, type ReadJsonOptions, readJson } from './json-document.ts';
import { toJsonName } from './json-name.ts';
import { findJsonFault, JsonReader } from './json-reader.ts';
import type { JsonValue } from './json-value.ts';
import { JsonWriter } from './json-writer.ts';

function read(text: string, options?: ReadJsonOptions): JsonValue {
  const document = readJson(Buffer.from(text), options);
  assert.ok(document instanceof JsonDocument, JSON.stringify(document));
  return document.root;
}

const at = (root: JsonValue, ...path: string[]) => root.at(path.map(toJsonName));

test('finds values where they are, exactly as they were written', () => {
  const root = read(' {"a" : [1.0, {"b":"\\u00e9"} ], "a b":null,"":-0}');
  assert.equal(root.bytes.toString(), '{"a" : [1.0, {"b":"\\u00e9"} ], "a b":null,"":-0}');
  assert.equal(at(root, 'a', '0')?.bytes.toString(), '1.0');
  assert.deepEqual([at(root, 'a', '1', 'b')?.bytes.toString(), at(root, 'a', '1', 'b')?.text], ['"\\u00e9"', 'é']);
  assert.deepEqual([at(root, 'a b')?.kind, at(root, '')?.text], ['null', '-0']);
  assert.deepEqual(
    [at(root, 'b'), at(root, 'a', '2'), at(root, 'a', 'b'), at(root, 'a', '01'), at(root, '0')],
    Array(5).fill(undefined),
  );
});

test('finds names that are written with escapes, and the last of equal ones', () => {
  const root = read('{"a":1,"\\u0061":2,"b":3,"b":4,"\\u0062c":5,"__proto__":6}');
  assert.deepEqual(
    ['a', 'b', 'bc', '__proto__'].map((name) => at(root, name)?.text),
    ['2', '4', '5', '6'],
  );
  assert.equal(root.members()?.length, 6);
});

test('finds no name that only begins like one', () => {
  assert.equal(at(read('{"ab":1,"\\u0061b":2}'), 'a'), undefined);
});

const faults: readonly (readonly [what: string, text: string | Buffer, reason: string, atByte: number])[] = [
  ['nothing', '', 'empty', 0],
  ['spaces alone', ' \n', 'empty', 2],
  ['what ends too early', '{"a":[1', 'truncated', 7],
  ['a text that does not end', '"a', 'truncated', 2],
  ['a number that does not end', '-', 'truncated', 1],
  ['two values', '1 2', 'syntax', 2],
  ['a comma before the end', '[1,]', 'syntax', 3],
  ['a name without quotes', '{a:1}', 'syntax', 1],
  ['the wrong bracket', '[1}', 'syntax', 2],
  ['a number with a zero before it', '01', 'syntax', 1],
  ['a number with a plus', '+1', 'syntax', 0],
  ['what is no number in JSON', 'NaN', 'syntax', 0],
  ['a control character in a text', '"a\u0001"', 'syntax', 2],
  ['an unknown escape', '"\\x41"', 'syntax', 2],
  ['a mark of byte order', '\ufeff1', 'syntax', 0],
  ['a byte that is no UTF-8', Buffer.from('"\xff"', 'latin1'), 'utf8', 1],
  ['a slash that is longer than needed', Buffer.from('"\xc0\xaf"', 'latin1'), 'utf8', 1],
  ['a surrogate in UTF-8', Buffer.from('"\xed\xa0\x80"', 'latin1'), 'utf8', 2],
];

for (const [what, text, reason, atByte] of faults) {
  test(`refuses ${what}, and says where`, () => {
    const bytes = Buffer.from(text as string);
    assert.deepEqual(readJson(bytes), { reason, atByte });
    assert.deepEqual(findJsonFault(bytes), { reason, atByte });
  });
}

test('reads as deep as it may, and no deeper', () => {
  assert.equal(read('[[[]]]', { depthMax: 3 }).kind, 'list');
  assert.deepEqual(readJson(Buffer.from('[[[]]]'), { depthMax: 2 }), { reason: 'too-deep', atByte: 2 });
  assert.deepEqual(findJsonFault(Buffer.from('['.repeat(129))), { reason: 'too-deep', atByte: 128 });
});

test('remembers as many values as it may, and no more', () => {
  assert.equal(read('{"a":[1]}', { valuesMax: 4 }).kind, 'object');
  assert.deepEqual(readJson(Buffer.from('{"a":[1]}'), { valuesMax: 3 }), { reason: 'too-many-values', atByte: 6 });
});

test('stays with the first fault, whatever comes behind it', () => {
  const reader = new JsonReader({ index: false });
  assert.deepEqual(reader.write(Buffer.from('[}')), { reason: 'syntax', atByte: 1 });
  assert.deepEqual([reader.write(Buffer.from(']')), reader.end()], Array(2).fill({ reason: 'syntax', atByte: 1 }));
});

test('writes small parts together and leaves large ones as views', () => {
  const large = Buffer.alloc(5_000, 'x');
  const writer = new JsonWriter(10_000);
  writer.writeText('[');
  writer.writeSpan(Buffer.from('a1b'), 1, 2);
  writer.writeText(',');
  writer.writeSpan(large, 0, large.length);
  writer.writeText('é]');
  const pieces = writer.finish();
  assert.deepEqual(
    pieces.map((piece) => piece.length),
    [3, 5_000, 3],
  );
  assert.equal(pieces[1]?.buffer, large.buffer);
  assert.equal(Buffer.concat(pieces).toString(), `[1,${large}é]`);
});

test('keeps nothing beyond what may be written', () => {
  const writer = new JsonWriter(3);
  writer.writeText('abc');
  assert.equal(writer.isOver, false);
  writer.writeText('d');
  assert.equal(writer.isOver, true);
  assert.equal(Buffer.concat(writer.finish()).toString(), 'abc');
});

test('many small parts are written whole, whatever page they fall on', () => {
  const writer = new JsonWriter(1_000_000);
  const parts = Array.from({ length: 5_000 }, (_, i) => `${i},`);
  for (const part of parts) writer.writeText(part);
  assert.equal(Buffer.concat(writer.finish()).toString(), parts.join(''));
});
