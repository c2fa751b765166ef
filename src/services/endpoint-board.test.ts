import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { EJECTION_MS_MAX, EndpointBoard, EndpointFlag, EndpointSlots } from './endpoint-board.ts';

/** Odd, and so large that ticks have gone through all numbers of 32 bits more than once. */
const nowMs = 123_456_789_012_345.5;

test('what one thread writes is there for another one', async () => {
  const board = new EndpointBoard();
  const { version } = board;
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { EndpointBoard, EndpointFlag } = await import(workerData.module);
    new EndpointBoard(workerData.memory).setFlag(7, EndpointFlag.unhealthy, true);
    parentPort.postMessage('written');
  `;
  const module = new URL('./endpoint-board.ts', import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { module, memory: board.memory },
  });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.equal(board.hasFlag(7, EndpointFlag.unhealthy), true);
  assert.equal(board.hasFlag(7, EndpointFlag.draining), false);
  assert.equal(board.hasFlag(6, EndpointFlag.unhealthy), false);
  assert.notEqual(board.version, version);
});

test('an ejection lasts as long as it was meant to, wherever ticks stand', () => {
  const board = new EndpointBoard();
  for (const startMs of [1, nowMs, 2 ** 31 * 10 - 50, 2 ** 32 * 10 - 50]) {
    board.eject(3, startMs + 1_000);
    assert.ok(Math.abs(board.ejectedForMs(3, startMs) - 1_000) <= 10);
    assert.ok(board.ejectedForMs(3, startMs + 900) > 0);
    assert.equal(board.ejectedForMs(3, startMs + 1_010), 0);
  }
  board.eject(3, nowMs + 1_000);
  board.readmit(3);
  assert.equal(board.ejectedForMs(3, nowMs), 0);
});

test('an ejection that was long ago is no ejection when the ticks come round, if anybody has looked meanwhile or not', () => {
  const halfTurnMs = 2 ** 31 * 10;
  const board = new EndpointBoard();
  for (const slot of [3, 4]) board.eject(slot, nowMs + 1_000);
  assert.equal(board.ejectedForMs(3, nowMs + 2 * 24 * 3_600_000), 0);
  for (const slot of [3, 4]) {
    assert.equal(board.ejectedForMs(slot, nowMs + halfTurnMs + 10_000), 0);
    assert.equal(board.ejectedForMs(slot, nowMs + 2 * halfTurnMs), 0);
  }
});

test('the longest ejection lasts in the eyes of a thread whose time lags behind', () => {
  const board = new EndpointBoard();
  board.eject(3, nowMs + EJECTION_MS_MAX);
  assert.ok(board.ejectedForMs(3, nowMs - 5_000) > EJECTION_MS_MAX);
  assert.ok(board.ejectedForMs(3, nowMs) > 0);
});

test('one thread at a time decides, until it has done so or is dead', () => {
  const board = new EndpointBoard();
  const [one, other] = [1, 2].map((number) => new EndpointBoard(board.memory, number)) as [EndpointBoard, EndpointBoard];
  assert.equal(one.beginDecision(), true);
  assert.deepEqual([board.beginDecision(), other.beginDecision(), one.beginDecision()], [false, false, false]);
  one.endDecision();
  assert.equal(other.beginDecision(), true);
  board.forgetDeadThread(1);
  assert.equal(board.beginDecision(), false);
  board.forgetDeadThread(2);
  assert.equal(board.beginDecision(), true);
});

test('a record that is given out again knows nothing of the endpoint before', () => {
  const board = new EndpointBoard();
  const slots = new EndpointSlots(board);
  const first = slots.take()!;
  board.setFlag(first, EndpointFlag.unhealthy, true);
  slots.giveBack(first);
  let slot = slots.take();
  while (slot !== first) slot = slots.take();
  assert.equal(board.hasFlag(first, EndpointFlag.unhealthy), false);
  assert.equal(slots.take(), undefined);
});
