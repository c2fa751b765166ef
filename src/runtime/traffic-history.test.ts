import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBucket } from '#base/duration-buckets.ts';
import { RouteCell, routeFamily } from './request-meter.ts';
import { HISTORY_STEPS, TrafficHistory, type TrafficSteps, windowMs } from './traffic-history.ts';

const STEP_MS = 5_000;

function setUp() {
  const steps: TrafficSteps = { present: 0, over: [] };
  const history = new TrafficHistory(steps);
  return {
    steps,
    history,
    /** So many answers with this status, each of which took so long. */
    add(count: number, status: number, durationMs: number) {
      const cells = new Float64Array(routeFamily.cellCount);
      cells[RouteCell.classes + Math.trunc(status / 100)] = count;
      cells[RouteCell.buckets + toBucket(durationMs)] = count;
      cells[RouteCell.responseBytes] = count * 100;
      history.add(cells);
    },
    turn(inFlight = 0) {
      history.turn(STEP_MS, inFlight);
      steps.over.push({ step: steps.present, durationMs: STEP_MS, endedAtMs: 0 });
      steps.present += 1;
    },
  };
}

test('rates are of the time that was, and errors are told from those of clients', () => {
  const { history, steps, add, turn } = setUp();
  add(80, 200, 4);
  add(15, 404, 4);
  turn();
  add(5, 503, 900);
  const durationMs = windowMs(steps, STEP_MS);
  assert.equal(durationMs, 2 * STEP_MS);
  const traffic = history.describe(durationMs, 3);
  assert.deepEqual(
    [traffic.requestsPerSecond, traffic.errorsPerSecond, traffic.clientErrorsPerSecond, traffic.bytesOutPerSecond],
    [10, 0.5, 1.5, 1_000],
  );
  assert.equal(traffic.inFlight, 3);
  assert.ok(traffic.p50Ms > 3 && traffic.p50Ms <= 4);
  assert.ok(traffic.p99Ms > 800 && traffic.p99Ms <= 1_000);
});

test('what is older than a minute counts no more, and is remembered as a point for five', () => {
  const { history, steps, add, turn } = setUp();
  add(10, 200, 4);
  for (let i = 0; i < 11; i++) turn();
  assert.equal(history.requestCount, 10);
  turn();
  assert.equal(history.requestCount, 0);
  assert.equal(history.describe(windowMs(steps, 0), 0).requestsPerSecond, 0);
  assert.deepEqual([...history.points.keys()], [0]);
  assert.equal(history.points.get(0)?.requestsPerSecond, 2);
  // The memory of a step that counts no more is used for another one.
  add(1, 200, 4);
  assert.equal(history.requestCount, 1);
  while (steps.present < HISTORY_STEPS) turn();
  assert.equal(history.points.has(0), true);
  turn();
  assert.equal(history.points.has(0), false);
});

test('a route without traffic is forgotten, unless something is under way', () => {
  const { history, add, turn } = setUp();
  add(1, 200, 4);
  for (let i = 0; i < HISTORY_STEPS; i++) turn();
  assert.equal(history.isForgotten, false);
  turn();
  assert.equal(history.isForgotten, true);
  turn(1);
  assert.equal(history.isForgotten, false);
  assert.equal([...history.points.values()][0]?.inFlight, 1);
});
