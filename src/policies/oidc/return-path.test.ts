import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toReturnPath } from './return-path.ts';

test('leads on only to paths of this site', () => {
  for (const path of ['/', '/a', '/a/b?c=//d', '/%2f%2fevil', '/a#b', '/:80']) assert.equal(toReturnPath(path), path);
  const foreign = [
    '',
    'a',
    '//evil',
    '///evil',
    '/\\evil',
    '\\\\evil',
    '/\t/evil',
    '/\n/evil',
    ' //evil',
    'https://evil',
    '/a\r\nb: c',
    '/a\x00',
  ];
  for (const path of [...foreign, undefined, `/${'a'.repeat(1_500)}`])
    assert.equal(toReturnPath(path), '/', JSON.stringify(path));
  assert.equal(toReturnPath(`/${'a'.repeat(1_499)}`).length, 1_500);
});

test('what is not ASCII is percent-encoded: the low bytes of some letters end a line of a head', () => {
  assert.equal(toReturnPath('/caf\u00e9'), '/caf%C3%A9');
  assert.equal(toReturnPath('/\u560d\u560aset-cookie: a'), '/');
  assert.equal(toReturnPath('/\u560d\u560aset-cookie:a'), '/%E5%98%8D%E5%98%8Aset-cookie:a');
  assert.equal(toReturnPath('/\ud83d\ude00\ud83d'), '/%F0%9F%98%80%EF%BF%BD');
  assert.equal(toReturnPath(`/${'\u560a'.repeat(200)}`), '/');
});
