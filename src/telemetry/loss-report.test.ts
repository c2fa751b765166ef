import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock.ts';
import { LossReport } from './loss-report.ts';

function setUp(onLog: () => void = () => undefined) {
  const told: unknown[] = [];
  const clock = new FakeClock();
  const log = (...[, , fields]: [unknown, unknown, Readonly<Record<string, unknown>>?]) => {
    told.push(fields);
    onLog();
  };
  return { clock, told, report: new LossReport({ clock, logger: { log }, level: 'warn', message: 'lost', what: 'lines' }) };
}

test('the first loss is told at once, later ones now and then, and the rest at the end', () => {
  const { clock, told, report } = setUp();
  report.add(2, { to: 'a' });
  report.add(3, { to: 'b' });
  clock.advance(9_999);
  report.look();
  assert.deepEqual(told, [{ to: 'a', lines: 2 }]);
  clock.advance(1);
  report.look();
  report.add(4, { to: 'c' });
  report.end();
  report.end();
  assert.deepEqual(told.slice(1), [
    { to: 'b', lines: 3 },
    { to: 'c', lines: 4 },
  ]);
});

test('a loss of what tells of it does not begin it anew', () => {
  const { told, report } = setUp(() => report.add(1, { to: 'itself' }));
  report.add(5, { to: 'a' });
  assert.deepEqual(told, [{ to: 'a', lines: 5 }]);
  report.end();
  assert.deepEqual(told.slice(1), [{ to: 'itself', lines: 1 }]);
});
