import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNamedPart } from './named-part.ts';

const kinds = { plain: ['ip', 'path'], named: ['header', 'cookie'] } as const;
const read = (text: string) => readNamedPart(text, kinds);

test('reads a word, and a word with a name', () => {
  assert.deepEqual(read('ip'), { value: { kind: 'ip' } });
  assert.deepEqual(read('cookie.a.B'), { value: { kind: 'cookie', name: 'a.B' } });
  assert.deepEqual(read(`cookie.${'a'.repeat(256)}`), { value: { kind: 'cookie', name: 'a'.repeat(256) } });
});

test('the name of a field is in lower case, and has to be one', () => {
  assert.deepEqual(read('header.X-User'), { value: { kind: 'header', name: 'x-user' } });
  assert.ok('problem' in read('header.a b'));
});

test('says what there is, and what was meant', () => {
  for (const [text, problem] of [
    ['heder.x', 'expected `ip`, `path`, `header.NAME` or `cookie.NAME`, not "heder.x"; did you mean `header.NAME`?'],
    ['', 'expected `ip`, `path`, `header.NAME` or `cookie.NAME`, not ""'],
    ['ip.x', 'expected `ip`, `path`, `header.NAME` or `cookie.NAME`, not "ip.x"; did you mean `ip`?'],
    ['cookie', '"cookie" names no cookie; write `cookie.NAME`'],
    ['cookie.', '"cookie." names no cookie; write `cookie.NAME`'],
  ])
    assert.deepEqual(read(text!), { problem });
  assert.ok('problem' in read(`cookie.${'a'.repeat(257)}`));
});
