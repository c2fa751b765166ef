import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '#base/logger.ts';
import { LossReport } from '#telemetry/loss-report.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { LineDeliveries, type LinePlace } from './line-deliveries.ts';

/** A delivery that ends when it is told to. */
function makePlace(definition: string, target = definition) {
  const calls: string[] = [];
  const told: unknown[] = [];
  const logger = { log: (...[, , fields]: Parameters<Logger['log']>) => void told.push(fields?.['lines']) };
  const losses = new LossReport({ clock: new FakeClock(), logger, level: 'error', message: 'lost', what: 'lines' });
  let end = () => {};
  const delivery = {
    add: () => void calls.push('add'),
    finish: () => {
      calls.push('finish');
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    },
    abort: () => {
      calls.push('abort');
      end();
    },
  };
  const place: LinePlace = {
    definition,
    target,
    open: async () => {
      calls.push('open');
      return { delivery, losses };
    },
  };
  return { place, delivery, losses, calls, told, end: () => end() };
}

test('what two configurations have stays open, and what is gone is found no more and finishes', async () => {
  const [one, other, same] = [makePlace('one'), makePlace('other'), makePlace('one')];
  const deliveries = new LineDeliveries();
  await deliveries.prepare([one.place, one.place, other.place]);
  // Threads that are sooner find it before it is the present one.
  assert.equal(deliveries.find('one'), one.delivery);
  deliveries.commit();
  await deliveries.prepare([same.place]);
  deliveries.commit();
  assert.equal(deliveries.find('one'), one.delivery);
  assert.equal(deliveries.find('other'), undefined);
  assert.deepEqual([one.calls, other.calls, same.calls], [['open'], ['open', 'finish'], []]);
  other.end();
  const ended = deliveries.end();
  one.end();
  await ended;
});

test('what was prepared in vain is ended, and the present one stays', async () => {
  const [one, other] = [makePlace('1', 'target'), makePlace('2', 'target')];
  const deliveries = new LineDeliveries();
  await deliveries.prepare([one.place]);
  deliveries.commit();
  await deliveries.prepare([other.place]);
  assert.equal(deliveries.find('target'), other.delivery);
  deliveries.abandon();
  assert.equal(deliveries.find('target'), one.delivery);
  assert.deepEqual([one.calls, other.calls], [['open'], ['open', 'finish']]);
  other.end();
  const ended = deliveries.end();
  one.end();
  await ended;
});

test('the end of the process gives up those that are open and those that are finishing', async () => {
  const [one, other] = [makePlace('one'), makePlace('other')];
  const deliveries = new LineDeliveries();
  await deliveries.prepare([one.place, other.place]);
  deliveries.commit();
  await deliveries.prepare([one.place]);
  deliveries.commit();
  deliveries.abort();
  assert.deepEqual(
    [one.calls, other.calls],
    [
      ['open', 'abort'],
      ['open', 'finish', 'abort'],
    ],
  );
  const ended = deliveries.end();
  deliveries.abort();
  await ended;
  assert.deepEqual(one.calls, ['open', 'abort', 'finish', 'abort']);
});

test('what was lost since it was last told of is told at the end', async () => {
  const one = makePlace('one');
  const deliveries = new LineDeliveries();
  await deliveries.prepare([one.place]);
  deliveries.commit();
  for (const count of [1, 2, 3]) one.losses.add(count);
  assert.deepEqual(one.told, [1]);
  const ended = deliveries.end();
  one.end();
  await ended;
  assert.deepEqual(one.told, [1, 5]);
});
