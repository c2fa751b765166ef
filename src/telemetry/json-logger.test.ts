import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createJsonLogger } from './json-logger.ts';

function logged(message: string, fields?: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let text = '';
  createJsonLogger(new FakeClock(), (line) => {
    text += line;
  }).log('warn', message, fields);
  assert.ok(text.endsWith('\n') && !text.slice(0, -1).includes('\n'), 'one line');
  return JSON.parse(text) as Record<string, unknown>;
}

test('an event is one line of JSON with time, level, message and fields', () => {
  assert.deepEqual(logged('it "happened"\nhere', { listener: 'web', count: 2, nothing: undefined }), {
    time: '2031-05-07T11:13:17.719Z',
    level: 'warn',
    message: 'it "happened"\nhere',
    listener: 'web',
    count: 2,
  });
});

test('an error shows its message and where it was thrown', () => {
  const { error } = logged('failed', { error: new RangeError('too large') }) as { error: { message: string; stack: string } };
  assert.equal(error.message, 'too large');
  assert.match(error.stack, /json-logger\.test\.ts/);
});

test('an error of the gateway shows its code and facts', () => {
  const errors = defineErrors('test-logger', {
    broken: { side: 'gateway', stage: 'reply', status: 500, retry: 'never', help: 'It broke.' },
  });
  const { error } = logged('failed', { error: errors.broken({ part: 'x' }) }) as { error: Record<string, unknown> };
  assert.equal(error['code'], 'GH_TEST_LOGGER_BROKEN');
  assert.equal(error['part'], 'x');
});

test('a field that JSON cannot hold does not take the event away', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  assert.equal(logged('odd', { circular }).message, 'odd');
  assert.equal(logged('odd', { big: 10n }).message, 'odd');
});
