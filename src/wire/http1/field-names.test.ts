import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldRole, findRole, hashStep, isForwardingName } from './field-names.ts';
import { loweredToken } from './octets.ts';

function find(text: string, start = 0, end = text.length) {
  let hash = 0;
  for (let i = start; i < end; i++) hash = hashStep(hash, loweredToken[text.charCodeAt(i)]!);
  return findRole(hash, Buffer.from(text, 'latin1'), start, end);
}

test('finds the role of a name in any case and within a text', () => {
  for (const text of ['content-length', 'Content-Length', 'CONTENT-LENGTH']) assert.equal(find(text), FieldRole.contentLength);
  assert.equal(find('xxDate: y', 2, 6), FieldRole.date);
});

test('does not take another name for one with a role', () => {
  for (const text of ['', 'content-lengt', 'content-lengths', 'content_length', 'x-unheard-of', 'accept']) {
    assert.equal(find(text), FieldRole.plain, text);
  }
});

test('does not take a name for another one that has been made to have the same hash', () => {
  // 31 * 's' + 't' = 31 * 'u' + '6'.
  const hashOf = (text: string) => [...text].reduce((hash, char) => hashStep(hash, char.charCodeAt(0)), 0);
  assert.equal(hashOf('hou6'), hashOf('host'));
  assert.equal(find('hou6'), FieldRole.plain);
});

test('tells apart fields that say where a request came from', () => {
  for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-request-id']) assert.equal(isForwardingName(name), true, name);
  for (const name of ['x-forwarded', 'host', 'constructor', '__proto__', '']) assert.equal(isForwardingName(name), false, name);
});
