/** Outcomes in any order, seen by several threads: never are more endpoints left out than may be, and never the last one. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { success, unreachable, WatchedService } from '#test/support/outcomes.ts';
import { anyone, createServiceMeans } from '#test/support/services.ts';
import { EndpointFlag } from '../endpoint-board.ts';

const THREADS = 3;

const told = fc.record({
  thread: fc.nat(THREADS - 1),
  endpoint: fc.nat(11),
  isFailure: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  times: fc.integer({ min: 1, max: 25 }),
  tookMs: fc.constantFrom(1, 400, 15_000),
});
const flagged = fc.record({
  endpoint: fc.nat(11),
  flag: fc.constantFrom(EndpointFlag.unhealthy, EndpointFlag.draining),
  isSet: fc.boolean(),
});
const passed = fc.record({ ms: fc.integer({ min: 1, max: 40_000 }) });
const steps = fc.array(
  fc.oneof({ weight: 8, arbitrary: told }, { weight: 1, arbitrary: flagged }, { weight: 3, arbitrary: passed }),
  { minLength: 20, maxLength: 60 },
);
const settings = fc.record({
  consecutiveFailures: fc.integer({ min: 1, max: 6 }),
  failureRate: fc.constantFrom(undefined, 0.3),
  latency: fc.constantFrom(undefined, { factor: 3, floorMs: 100 }),
  ejectedMax: fc.constantFrom(0, 0.1, 0.5, 1),
});
const weights = fc.array(fc.constantFrom(0, 1, 1, 3), { minLength: 1, maxLength: 12 });

test('the floor holds whatever several threads see', (t) => {
  let ejectionCount = 0;
  const property = fc.property(weights, settings, steps, (weightList, outliers, stepList) => {
    const means = createServiceMeans();
    const urls = weightList.map((weight, index) => `${weight} http://e${index}`);
    const threads = Array.from({ length: THREADS }, () => new WatchedService(urls, { minRequests: 5, ...outliers }, means));
    const { endpoints } = threads[0]!.service;
    const nowMs = () => means.clock.monotonicMs();
    const isEjected = (index: number) => means.board.ejectedForMs(endpoints[index]!.slot, nowMs()) > 0;
    const isUsable = (index: number) =>
      endpoints[index]!.weight > 0 && means.board.words[means.board.wordAt(endpoints[index]!.slot, 0)] === 0;
    const all = endpoints.map((_, index) => index);
    for (const step of stepList) {
      const before = all.filter(isEjected);
      if ('ms' in step) {
        means.clock.advance(step.ms);
        for (const { means: own } of threads) own.wheel.advance();
      } else {
        const index = step.endpoint % endpoints.length;
        if ('flag' in step) means.board.setFlag(endpoints[index]!.slot, step.flag, step.isSet);
        else threads[step.thread]!.tell(index, { ...(step.isFailure ? unreachable : success), tookMs: step.tookMs }, step.times);
      }
      const ejected = all.filter(isEjected);
      const weighted = endpoints.filter(({ weight }) => weight > 0).length;
      const counted = ejected.filter((index) => endpoints[index]!.weight > 0);
      assert.ok(counted.length <= Math.max(1, Math.floor(weighted * outliers.ejectedMax)), 'more are left out than may be');
      if (ejected.some((index) => !before.includes(index))) {
        ejectionCount += 1;
        assert.ok(
          all.some((index) => isUsable(index) && !isEjected(index)),
          'the last one is left out',
        );
      }
      for (const { service } of threads) assert.equal(service.pick(anyone) !== undefined, all.some(isUsable));
    }
  });
  fc.assert(property, fuzzParameters(t));
  assert.ok(ejectionCount > 0, 'some were left out');
});
