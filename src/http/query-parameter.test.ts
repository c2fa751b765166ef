import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideQueryParameter, withoutQueryParameter } from './query-parameter.ts';

test('takes a parameter out of a target, or hides its value, and leaves the rest as it was', () => {
  for (const [target, without, hidden] of [
    ['/a', '/a', '/a'],
    ['/a?', '/a?', '/a?'],
    ['/a?key=1', '/a', '/a?key=[redacted]'],
    ['/a?key', '/a', '/a?key=[redacted]'],
    ['/a?b=%41&key=1&&c', '/a?b=%41&&c', '/a?b=%41&key=[redacted]&&c'],
    ['/a?key=1&key=2&k%65y=3', '/a', '/a?key=[redacted]&key=[redacted]&k%65y=[redacted]'],
    ['/key=1?keys=1&Key=2&k=key=3', '/key=1?keys=1&Key=2&k=key=3', '/key=1?keys=1&Key=2&k=key=3'],
    ['/a?k+y=1&key=a=b?c', '/a?k+y=1', '/a?k+y=1&key=[redacted]'],
    ['/a?%zz=1&key=2', '/a?%zz=1', '/a?%zz=1&key=[redacted]'],
  ] as const) {
    assert.equal(withoutQueryParameter(target, 'key'), without, target);
    assert.equal(hideQueryParameter(target, 'key'), hidden, target);
  }
});
