import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnEnd } from './turn-end.ts';

test('tasks run once, in their order, when the turn has ended', async () => {
  const turnEnd = new TurnEnd();
  const done: string[] = [];
  turnEnd.add({ onTurnEnd: () => done.push('first') });
  turnEnd.add({ onTurnEnd: () => done.push('second') });
  assert.deepEqual(done, []);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.deepEqual(done, ['first', 'second']);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.deepEqual(done, ['first', 'second']);
});

test('what a task adds runs in the next turn', async () => {
  const turnEnd = new TurnEnd();
  let times = 0;
  const task = {
    onTurnEnd() {
      times += 1;
      if (times < 3) turnEnd.add(task);
    },
  };
  turnEnd.add(task);
  for (let turn = 1; turn <= 4; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.equal(times, Math.min(turn, 3));
  }
});

test('a task that fails does not keep those behind it from running', async () => {
  const turnEnd = new TurnEnd();
  let isDone = false;
  turnEnd.add({
    onTurnEnd() {
      throw new Error('this one fails');
    },
  });
  turnEnd.add({
    onTurnEnd() {
      isDone = true;
    },
  });
  assert.throws(() => turnEnd.run(), /this one fails/);
  assert.equal(isDone, false);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.equal(isDone, true);
});
