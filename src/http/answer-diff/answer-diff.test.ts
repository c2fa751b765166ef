import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ComparedAnswer, type DiffRules, diffAnswers, plainRules } from './answer-diff.ts';
import { describePlace } from './difference.ts';
import { ignoredFieldsDefault } from './field-difference.ts';
import { parsePointerPattern } from './pointer-pattern.ts';

function toAnswer(body: unknown, { status = 200, fields = [] as string[], type = 'application/json' } = {}): ComparedAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { status, fields: ['content-type', type, ...fields], body: { bytes, isWhole: true, lengthBytes: bytes.length } };
}

function pattern(text: string): readonly string[] {
  const parsed = parsePointerPattern(text);
  assert.ok(typeof parsed !== 'string', String(parsed));
  return parsed;
}

function withJson(json: Partial<DiffRules['json']>): DiffRules {
  return { ...plainRules, json: { ...plainRules.json, ...json } };
}

function placesOf(before: ComparedAnswer, after: ComparedAnswer, rules: DiffRules = plainRules): string[] {
  return diffAnswers(before, after, rules).differences.map((difference) => `${difference.kind} ${describePlace(difference)}`);
}

test('tells where JSON differs, whatever the order of its members', () => {
  const before = toAnswer('{"id": 1, "name": "a", "items": [{"price": 5}], "old": true}');
  const after = toAnswer('{"items":[{"price":6},{"price":7}],"name":"\\u0061","id":1.0,"new":{}}');
  assert.deepEqual(placesOf(before, after), [
    'changed body /items/0/price',
    'added body /items/1',
    'removed body /old',
    'added body /new',
  ]);
  const [price] = diffAnswers(before, after, plainRules).differences;
  assert.deepEqual([price?.before, price?.after], ['5', '6']);
});

test('numbers are compared by value, or byte for byte where that is asked for, and always beyond what JavaScript tells apart', () => {
  assert.deepEqual(placesOf(toAnswer('[1.0,1e2]'), toAnswer('[1,100]')), []);
  assert.deepEqual(placesOf(toAnswer('[1.0]'), toAnswer('[1]'), withJson({ hasExactNumbers: true })), ['changed body /0']);
  assert.deepEqual(placesOf(toAnswer('[9007199254740993]'), toAnswer('[9007199254740992]')), ['changed body /0']);
});

test('a pointer with wildcards leaves out the place and what is below it, and nothing beside it', () => {
  const before = toAnswer({ items: [{ at: 1, meta: { a: 1 } }], at: 1, 'a/b': 1 });
  const after = toAnswer({ items: [{ at: 2, meta: { a: 2 } }], at: 2, 'a/b': 2 });
  const ignored = ['/items/*/at', '/items/*/meta', '/a~1b'].map(pattern);
  assert.deepEqual(placesOf(before, after, withJson({ ignored })), ['changed body /at']);
  for (const wrong of ['items', '/a~2']) assert.equal(typeof parsePointerPattern(wrong), 'string', wrong);
});

test('a list may be compared by a key of its items', () => {
  const before = toAnswer({ items: [{ id: 1, v: 'a' }, { id: 2, v: 'b' }, { id: 3 }] });
  const after = toAnswer({ items: [{ id: 2, v: 'c' }, { v: 'a', id: 1 }, { id: 4 }] });
  const unordered = [{ at: pattern('/items'), by: 'id' }];
  assert.deepEqual(placesOf(before, after, withJson({ unordered })), [
    'changed body /items/1/v',
    'removed body /items/2',
    'added body /items/2',
  ]);
  const plain = [{ at: pattern(''), by: undefined }];
  assert.deepEqual(placesOf(toAnswer([1, { a: 1, b: 2 }]), toAnswer([{ b: 2, a: 1 }, 1]), withJson({ unordered: plain })), []);
});

test('fields are compared as lists and sets, without those that always differ, and cookies by their names', () => {
  const before = toAnswer('x', {
    fields: ['date', 'a', 'vary', 'accept, origin', 'x-a', '1', 'x-a', '2', 'set-cookie', 'sid=secret1; Path=/'],
    type: 'text/plain',
  });
  const same = toAnswer('x', {
    fields: ['x-a', '1, 2', 'vary', 'Origin', 'vary', 'Accept', 'date', 'b', 'set-cookie', 'sid=secret2; Path=/'],
    type: 'text/plain',
  });
  assert.deepEqual(placesOf(before, same), []);
  const other = toAnswer('x', { fields: ['x-a', '2, 1', 'vary', 'accept', 'x-debug-id', '7'], type: 'text/plain' });
  const fields = { ignored: [...ignoredFieldsDefault, 'x-debug-*'] };
  const { differences } = diffAnswers(before, other, { ...plainRules, fields });
  assert.deepEqual(differences.map(describePlace), ['field set-cookie', 'field vary', 'field x-a']);
  assert.ok(!JSON.stringify(differences).includes('secret1'), 'no difference shows the value of a cookie');
});

test('status, text and bytes', () => {
  assert.deepEqual(placesOf(toAnswer('a', { type: 'text/plain' }), toAnswer('b', { type: 'text/plain', status: 500 })), [
    'changed status',
    'changed body',
  ]);
  const [body] = diffAnswers(toAnswer('{"a":1}'), toAnswer('{"a":'), plainRules).differences;
  assert.deepEqual([body?.at, body?.before, body?.after], ['', '7 bytes: {"a":1}', '5 bytes: {"a":']);
});

test('of bodies that are kept in part, what is known is compared, and what is not is said', () => {
  const part = (text: string, lengthBytes: number, digest?: string): ComparedAnswer => ({
    status: 200,
    fields: ['content-type', 'application/json'],
    body: { bytes: Buffer.from(text), isWhole: false, lengthBytes, digest },
  });
  assert.equal(diffAnswers(part('[1', 90), part('[1', 90), plainRules).uncompared, 'a body is longer than what is kept of it');
  assert.deepEqual(placesOf(part('[1', 90), part('[1', 91)), ['changed body']);
  assert.deepEqual(placesOf(part('[1', 90), part('[2', 90)), ['changed body']);
  assert.deepEqual(placesOf(part('[1', 90, 'x'), part('[1', 90, 'y')), ['changed body']);
  const equal = diffAnswers(part('[1', 90, 'x'), part('[1', 90, 'x'), plainRules);
  assert.deepEqual([equal.differences, equal.uncompared], [[], undefined]);
  const ruled = diffAnswers(part('[1', 90, 'x'), part('[2', 90, 'y'), withJson({ ignored: [['0']] }));
  assert.deepEqual([ruled.differences.length, ruled.uncompared], [0, 'a body is longer than what is kept of it']);
});

test('tells of as many differences as are asked for, and that there are more', () => {
  const list = (from: number) => toAnswer(Array.from({ length: 100 }, (_, i) => from + i));
  const { differences, hasMore } = diffAnswers(list(0), list(1), { ...plainRules, differencesMax: 3 });
  assert.deepEqual([differences.length, hasMore], [3, true]);
});
