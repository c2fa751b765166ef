import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocument } from './document.ts';
import { joinBracketLines } from './flow-brackets.ts';

test('a bracket may close right below its key, with comments, tabs and ends of lines of any kind before it', () => {
  const text = 'a:\n  b: {\n    c: [1, # not ] yet\n    ], # nor }\r\n    d:\t"#\\n]"\n  }\ne: |\n  {\n   # text\n  }\n';
  const { value, issues, toIssue } = readDocument('F', text);
  assert.deepEqual(issues, []);
  assert.deepEqual(value, { a: { b: { c: [1], d: '#\n]' } }, e: '{\n # text\n}\n' });
  const places = [['a', 'b', 'd'], ['e']].map((path) => {
    const { line, column } = toIssue({ path, code: 'invalid-value', message: '', pointAt: 'key' });
    return [line, column];
  });
  assert.deepEqual(places, [
    [5, 5],
    [7, 1],
  ]);
});

test('what is wrong besides is told where it stands', () => {
  const { value, issues } = readDocument('F', 'a: {\n  b: 1,\n  b: *none\n}\n');
  assert.equal(value, undefined);
  assert.deepEqual(
    issues.map(({ line, column, message }) => `${line}:${column} ${message}`),
    ['3:6 the alias `*none` has no anchor `&none` before it', '3:3 the key `b` is here a second time; the first is in line 2'],
  );
});

test('nothing but white space and comments in brackets changes, and nothing moves', () => {
  const text = 'a: [ "x # y",\tplain text, &b c, *b ] # kept\nb: |\n  [ # kept\nc: {d: [\n]}\n';
  const joined = joinBracketLines(text);
  assert.equal(joined, 'a: [ "x # y", plain text, &b c, *b ] # kept\nb: |\n  [ # kept\nc: {d: [ ]}\n');
});
