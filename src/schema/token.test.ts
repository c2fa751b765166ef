import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFieldName, readFreeFieldName, readMethod } from './token.ts';

test('takes any token as a method, and standard ones only in capitals', () => {
  assert.deepEqual(readMethod('GET'), { value: 'GET' });
  assert.deepEqual(readMethod('M-SEARCH'), { value: 'M-SEARCH' });
  assert.deepEqual(readMethod('purge'), { value: 'purge' });
  assert.deepEqual(readMethod('get'), { problem: '"get": methods are case-sensitive; write `GET`' });
  assert.deepEqual(readMethod('GET POST'), { problem: '"GET POST" is not a method; write `GET`, `POST` or another token' });
});

test('puts field names into lower case', () => {
  assert.deepEqual(readFieldName('X-Request-ID'), { value: 'x-request-id' });
});

for (const text of ['', 'a b', 'a:', 'ä', 'a\r\nb', ':path']) {
  test(`refuses the field name ${JSON.stringify(text)}`, () => assert.ok('problem' in readFieldName(text)));
}

for (const text of [
  'Connection',
  'TE',
  'trailer',
  'Transfer-Encoding',
  'content-length',
  'upgrade',
  'keep-alive',
  'proxy-connection',
]) {
  test(`leaves the field ${text} to the gateway`, () => {
    const reading = readFreeFieldName(text);
    assert.ok('problem' in reading && reading.problem.includes('gateway'), JSON.stringify(reading));
  });
}

test('says where the host is set', () => {
  assert.deepEqual(readFreeFieldName('Host'), {
    problem: 'the gateway decides `host`; set `rewrite: { host: … }` or the `host` of the service',
  });
});
