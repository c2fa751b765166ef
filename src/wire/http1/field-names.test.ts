import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldRole, findKnownField, hashStep, isForwardingName } from './field-names.ts';
import { loweredToken } from './octets.ts';

function find(text: string, start = 0, end = text.length) {
  let hash = 0;
  for (let i = start; i < end; i++) hash = hashStep(hash, loweredToken[text.charCodeAt(i)]!);
  return findKnownField(hash, text, start, end);
}

test('finds a known name in any case and within a text, as one and the same string', () => {
  for (const text of ['content-length', 'Content-Length', 'CONTENT-LENGTH']) {
    assert.deepEqual(find(text), { name: 'content-length', hash: find('content-length')!.hash, role: FieldRole.contentLength });
  }
  assert.equal(find('xxAccept: y', 2, 8), find('accept'));
});

test('does not take another name for a known one', () => {
  for (const text of ['', 'content-lengt', 'content-lengths', 'content_length', 'x-unheard-of']) {
    assert.equal(find(text), undefined, text);
  }
});

test('does not take a name for a known one that has been made to have the same hash', () => {
  // 31 * 's' + 't' = 31 * 'u' + '6'.
  const hashOf = (text: string) => [...text].reduce((hash, char) => hashStep(hash, char.charCodeAt(0)), 0);
  assert.equal(hashOf('hou6'), hashOf('host'));
  assert.equal(find('hou6'), undefined);
});

test('tells apart fields that say where a request came from', () => {
  for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-request-id']) assert.equal(isForwardingName(name), true, name);
  for (const name of ['x-forwarded', 'host', 'constructor', '__proto__', '']) assert.equal(isForwardingName(name), false, name);
});
