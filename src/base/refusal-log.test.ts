import assert from 'node:assert/strict';
import test from 'node:test';
import type { LogFields } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { RefusalLog } from './refusal-log.ts';

test('tells of the first refusal at once and of a flood once a second, with its size', () => {
  const clock = new FakeClock();
  const lines: (LogFields | undefined)[] = [];
  const log = new RefusalLog({ log: (_level, _message, fields) => void lines.push(fields) }, clock, 'refused');
  const refusal = { listener: 'web', clientAddress: '192.0.2.1', cap: 'listener' };
  for (let i = 0; i < 1_000; i++) log.add(refusal);
  assert.deepEqual(lines, [refusal]);
  clock.advance(999);
  log.add(refusal);
  assert.equal(lines.length, 1);
  clock.advance(1);
  log.add(refusal);
  assert.deepEqual(lines, [refusal, { ...refusal, othersSince: 1_000 }]);
  clock.advance(5_000);
  log.add(refusal);
  assert.deepEqual(lines[2], refusal);
});
