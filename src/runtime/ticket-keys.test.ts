import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '#config/configuration.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { TicketKeys } from './ticket-keys.ts';

/** Only what the keys look at. */
function withListeners(rotations: Readonly<Record<string, number | undefined>>): Configuration {
  const listeners = Object.entries(rotations).map(([name, ticketRotation]) => [
    name,
    { tls: ticketRotation === undefined ? undefined : { ticketRotation } },
  ]);
  return { listeners: Object.fromEntries(listeners) } as Configuration;
}

test('each listener with TLS has a key of its own, which stays when the configuration changes', () => {
  const keys = new TicketKeys(new FakeClock());
  assert.equal(keys.follow(withListeners({ a: 60_000, b: 60_000, plain: undefined })), true);
  const { a, b } = keys.present;
  assert.deepEqual([a?.present.length, a?.previous], [48, undefined]);
  assert.notDeepEqual(a, b);
  assert.equal(keys.follow(withListeners({ a: 90_000, plain: undefined })), false);
  assert.deepEqual(keys.present, { a });
});

test('a key is replaced when its time is up, and not before, and counts for as long again', () => {
  const clock = new FakeClock();
  const keys = new TicketKeys(clock);
  keys.follow(withListeners({ a: 60_000, b: 120_000 }));
  const before = keys.present;
  clock.advance(59_999);
  assert.equal(keys.rotate(), false);
  clock.advance(1);
  assert.equal(keys.rotate(), true);
  const after = keys.present;
  assert.notDeepEqual(after['a']?.present, before['a']?.present);
  assert.deepEqual(after['a']?.previous, before['a']?.present);
  assert.deepEqual(after['b'], before['b']);
  clock.advance(60_000);
  keys.rotate();
  assert.deepEqual(keys.present['a']?.previous, after['a']?.present);
  assert.deepEqual(keys.present['b']?.previous, before['b']?.present);
});
