import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '#http/exchange.ts';
import { Taps } from './taps.ts';

const exchange = {
  request: { method: 'GET', path: '/', clientAddress: '127.0.0.1' },
  plan: undefined,
  serviceName: undefined,
  status: 200,
  startedMs: 1_000,
} as unknown as Exchange;

function count(taps: Taps, times: number, nowMs: number): number {
  let taken = 0;
  for (let i = 0; i < times; i++) taken += taps.takersOf(exchange, nowMs).length;
  return taken;
}

test('a thread tells a tap of at most 100 exchanges in a second, and how many more there were', () => {
  const taps = new Taps();
  taps.follow([{ id: 7, filter: {}, explains: false }]);
  assert.equal(count(taps, 500, 1_000.5), 100);
  assert.equal(count(taps, 1, 2_000.4), 0);
  assert.equal(count(taps, 1, 2_000.5), 1);
  assert.deepEqual(taps.takeDroppedCounts(), [[7, 401]]);
  assert.deepEqual(taps.takeDroppedCounts(), []);
});

test('a tap that stays goes on with what it counts when another one comes', () => {
  const taps = new Taps();
  const first = { id: 1, filter: {}, explains: false };
  taps.follow([first]);
  assert.equal(count(taps, 100, 1_000), 100);
  taps.follow([first, { id: 2, filter: {}, explains: true }]);
  assert.deepEqual(
    taps.takersOf(exchange, 1_000).map(({ id }) => id),
    [2],
  );
});

test('a sample is the share that it says', () => {
  const taps = new Taps();
  taps.follow([{ id: 1, filter: { sample: 0.25 }, explains: false }]);
  assert.equal(count(taps, 100, 1_000), 25);
});

test('without a tap, nothing may match', () => {
  const taps = new Taps();
  assert.equal(taps.isEmpty, true);
  taps.follow([{ id: 1, filter: { method: 'POST' }, explains: false }]);
  assert.deepEqual([taps.isEmpty, taps.mayTake(exchange)], [false, false]);
  taps.follow([]);
  assert.equal(taps.isEmpty, true);
});

test('a tap that has been told of as many as it may notes nothing until the second is over, and counts what it passes over', () => {
  const taps = new Taps();
  taps.follow([{ id: 1, filter: {}, explains: false }]);
  assert.equal(taps.mayTake(exchange), true);
  assert.equal(count(taps, 100, 1_000), 100);
  assert.equal(taps.mayTake(exchange), false);
  for (let i = 0; i < 3; i++) taps.passOver(exchange);
  assert.equal(taps.mayTake({ ...exchange, startedMs: 2_000 } as Exchange), true);
  assert.deepEqual(taps.takeDroppedCounts(), [[1, 3]]);
});
