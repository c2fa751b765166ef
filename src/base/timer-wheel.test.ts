import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '#test/support/fake-clock.ts';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

const TICK_MS = 100;
/** Ticks of one turn of the wheel. */
const TURN_TICKS = 512;

class RecordingTimer extends WheelTimer {
  readonly firedAtMs: number[] = [];
  onFire: (() => void) | undefined;

  onDeadline(nowMs: number): void {
    this.firedAtMs.push(nowMs);
    this.onFire?.();
  }
}

function createWheel() {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  /** Lets time pass as the interval would: one advance per tick. */
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= TICK_MS) {
      clock.advance(Math.min(left, TICK_MS));
      wheel.advance();
    }
  };
  return { clock, wheel, pass };
}

test('fires once, not before its deadline and at most two ticks behind it', () => {
  for (const delayMs of [0, 1, 99, 100, 101, 250, 1_000, 51_100, 51_200, 51_300, 200_000]) {
    const { clock, wheel, pass } = createWheel();
    const timer = new RecordingTimer();
    const armedAtMs = clock.monotonicMs();
    wheel.arm(timer, delayMs);
    pass(delayMs + 3 * TICK_MS + TURN_TICKS * TICK_MS);
    assert.equal(timer.firedAtMs.length, 1, `${delayMs} ms`);
    const tookMs = timer.firedAtMs[0]! - armedAtMs;
    assert.ok(tookMs >= delayMs && tookMs <= delayMs + 2 * TICK_MS, `${delayMs} ms took ${tookMs} ms`);
    assert.equal(wheel.armedCount, 0);
  }
});

test('a deadline set late within a tick is still not early', () => {
  const { clock, wheel } = createWheel();
  const timer = new RecordingTimer();
  wheel.advance();
  clock.advance(TICK_MS - 1);
  const armedAtMs = clock.monotonicMs();
  wheel.arm(timer, 50);
  while (timer.firedAtMs.length === 0) {
    clock.advance(1);
    wheel.advance();
  }
  assert.ok(timer.firedAtMs[0]! - armedAtMs >= 50);
});

test('moving the deadline later postpones, by arming and by assignment', () => {
  const { wheel, pass } = createWheel();
  const [armed, assigned] = [new RecordingTimer(), new RecordingTimer()];
  wheel.arm(armed, 300);
  wheel.arm(assigned, 300);
  pass(200);
  wheel.arm(armed, 1_000);
  assigned.deadlineMs += 1_000;
  pass(900);
  assert.deepEqual([armed.firedAtMs.length, assigned.firedAtMs.length], [0, 0]);
  pass(400);
  assert.deepEqual([armed.firedAtMs.length, assigned.firedAtMs.length], [1, 1]);
});

test('moving the deadline earlier takes effect, also behind a lowered or removed deadline', () => {
  const { wheel, pass } = createWheel();
  const [plain, lowered, disarmed] = [new RecordingTimer(), new RecordingTimer(), new RecordingTimer()];
  for (const timer of [plain, lowered, disarmed]) wheel.arm(timer, 20_000);
  lowered.deadlineMs = 0;
  wheel.disarm(disarmed);
  for (const timer of [plain, lowered, disarmed]) wheel.arm(timer, 500);
  pass(800);
  for (const timer of [plain, lowered, disarmed]) assert.equal(timer.firedAtMs.length, 1);
  assert.equal(wheel.armedCount, 0);
});

test('a disarmed timer stays silent and leaves when its slot comes round, a removed one leaves at once', () => {
  const { wheel, pass } = createWheel();
  const [disarmed, removed] = [new RecordingTimer(), new RecordingTimer()];
  wheel.arm(disarmed, 300);
  wheel.arm(removed, 300);
  wheel.disarm(disarmed);
  wheel.remove(removed);
  assert.equal(wheel.armedCount, 1);
  wheel.remove(removed);
  pass(600);
  assert.equal(wheel.armedCount, 0);
  assert.deepEqual([disarmed.firedAtMs, removed.firedAtMs], [[], []]);
});

test('a timer may arm itself and remove others while it fires', () => {
  const { wheel, pass } = createWheel();
  const [first, second] = [new RecordingTimer(), new RecordingTimer()];
  // Whichever fires first removes the other: they share a slot.
  first.onFire = () => wheel.remove(second);
  second.onFire = () => wheel.remove(first);
  wheel.arm(first, 100);
  wheel.arm(second, 100);
  pass(400);
  assert.equal(first.firedAtMs.length + second.firedAtMs.length, 1);

  const again = new RecordingTimer();
  again.onFire = () => wheel.arm(again, 0);
  wheel.arm(again, 0);
  pass(1_000);
  assert.ok(again.firedAtMs.length >= 4 && again.firedAtMs.length <= 10, `${again.firedAtMs.length} times in 10 ticks`);
});

test('a stall longer than a whole turn fires everything that is due, once, and nothing else', () => {
  const { clock, wheel, pass } = createWheel();
  const due = [100, 5_000, 51_200, 60_000, 119_000].map((delayMs) => {
    const timer = new RecordingTimer();
    wheel.arm(timer, delayMs);
    return timer;
  });
  const later = new RecordingTimer();
  wheel.arm(later, 150_000);
  clock.advance(120_000);
  wheel.advance();
  for (const timer of due) assert.equal(timer.firedAtMs.length, 1);
  assert.equal(later.firedAtMs.length, 0);
  pass(30_300);
  assert.equal(later.firedAtMs.length, 1);
});

test('a timer that throws does not take the others of its slot along', () => {
  const { clock, wheel } = createWheel();
  const timers = [new RecordingTimer(), new RecordingTimer(), new RecordingTimer()];
  for (const timer of timers) {
    timer.onFire = () => {
      throw new RangeError('deliberate');
    };
    wheel.arm(timer, 100);
  }
  clock.advance(300);
  for (const _ of timers) assert.throws(() => wheel.advance(), /deliberate/);
  wheel.advance();
  for (const timer of timers) assert.equal(timer.firedAtMs.length, 1);
});

test('the calendar does not matter', () => {
  const { clock, wheel, pass } = createWheel();
  const timer = new RecordingTimer();
  wheel.arm(timer, 1_000);
  clock.jumpWallTo(0);
  pass(900);
  assert.equal(timer.firedAtMs.length, 0);
  pass(400);
  assert.equal(timer.firedAtMs.length, 1);
});

test('ticks by itself between start and stop', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const { clock, wheel } = createWheel();
  const timer = new RecordingTimer();
  wheel.start();
  wheel.start();
  wheel.arm(timer, 0);
  clock.advance(2 * TICK_MS);
  context.mock.timers.tick(TICK_MS);
  assert.equal(timer.firedAtMs.length, 1);
  wheel.stop();
  wheel.arm(timer, 0);
  clock.advance(2 * TICK_MS);
  context.mock.timers.tick(TICK_MS);
  assert.equal(timer.firedAtMs.length, 1);
});

const step = fc.oneof(
  fc.record({ what: fc.constant('arm' as const), timer: fc.nat(3), ms: fc.integer({ min: 0, max: 130_000 }) }),
  fc.record({ what: fc.constant('arm' as const), timer: fc.nat(3), ms: fc.integer({ min: 0, max: 700 }) }),
  fc.record({ what: fc.constantFrom('disarm' as const, 'remove' as const), timer: fc.nat(3), ms: fc.constant(0) }),
  fc.record({ what: fc.constant('stall' as const), timer: fc.constant(0), ms: fc.integer({ min: 0, max: 120_000 }) }),
  fc.record({ what: fc.constant('pass' as const), timer: fc.constant(0), ms: fc.integer({ min: 0, max: 2_000 }) }),
);

test('fires exactly what a list of deadlines would, whatever is armed, moved and taken away', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { clock, wheel, pass } = createWheel();
      const timers = Array.from({ length: 4 }, () => new RecordingTimer());
      const dueMs: number[] = timers.map(() => Number.POSITIVE_INFINITY);
      const fired = timers.map(() => 0);
      for (const { what, timer: index, ms } of steps) {
        const timer = timers[index]!;
        if (what === 'arm') {
          wheel.arm(timer, ms);
          dueMs[index] = wheel.nowMs + ms;
        } else if (what === 'stall') {
          clock.advance(ms);
          wheel.advance();
        } else if (what === 'pass') pass(ms);
        else {
          wheel[what](timer);
          dueMs[index] = Number.POSITIVE_INFINITY;
        }
        timers.forEach(({ firedAtMs }, each) => {
          const hasFired = firedAtMs.length > fired[each]!;
          if (hasFired) assert.ok(firedAtMs.at(-1)! >= dueMs[each]! + TICK_MS, 'not early');
          else assert.ok(wheel.nowMs < dueMs[each]! + 2 * TICK_MS, 'not later than two ticks');
          if (hasFired) dueMs[each] = Number.POSITIVE_INFINITY;
          fired[each] = firedAtMs.length;
        });
      }
    }),
    { numRuns: 300 },
  );
});
