import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import { silentLogger } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { checkKeyValueStore } from '#test/support/key-value-store-contract.ts';
import { MemoryStore } from './memory-store.ts';

const MIB = 1024 * 1024;

function open(bytesMax = 8 * MIB) {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const store = new MemoryStore(bytesMax, { clock, logger: { log: (_, message, fields) => void told.push([message, fields]) } });
  return { clock, told, store };
}

/** Keeps values until the first that is refused; how many there were. */
async function fill(store: MemoryStore, length: number, ttlMs = 60_000): Promise<number> {
  for (let i = 0; ; i++) {
    try {
      await store.set(`key ${i}`, 'x'.repeat(length), ttlMs);
    } catch (error) {
      assert.deepEqual(error, new StoreFailed('the store is full'));
      return i;
    }
  }
}

test('keeps values as every store does', async () => {
  await checkKeyValueStore(open().store);
});

test('a value is there until its time is over, and not longer', async () => {
  const { store, clock } = open();
  await store.set('a', '1', 1_000);
  clock.advance(999);
  assert.equal(String(await store.get('a')), '1');
  await store.set('a', '2', 1_000);
  clock.advance(999);
  assert.equal(String(await store.get('a')), '2');
  clock.advance(1);
  assert.equal(await store.get('a'), undefined);
  assert.equal(store.bytes, 0);
});

test('what came in is a copy, and what comes out too', async () => {
  const { store } = open();
  const given = Buffer.from('abc');
  await store.set('a', given, 1_000);
  given.fill('x');
  (await store.get('a'))!.fill('y');
  assert.equal(String(await store.get('a')), 'abc');
});

test('when it is full it takes nothing new, keeps what it has, and says so', async () => {
  const { store, told, clock } = open(MIB);
  const count = await fill(store, 1_000);
  // With what an entry takes besides its value, the last eighth is free.
  assert.equal(count, Math.floor((MIB * 7) / 8 / 1_518));
  for (let i = 0; i < count; i++) assert.equal((await store.get(`key ${i}`))?.length, 1_000);
  assert.ok(store.bytes <= MIB);
  await assert.rejects(store.set('new', 'x', 60_000), StoreFailed);
  assert.equal(told.length, 1);
  assert.match(JSON.stringify(told), /store in memory is full.*"bytesMax":1048576/);
  clock.advance(10_000);
  await assert.rejects(store.set('new', 'x', 60_000), StoreFailed);
  assert.equal(told.length, 2);
});

test('what is there may grow when nothing new is taken, up to the last byte', async () => {
  const { store } = open(MIB);
  const count = await fill(store, 1_000);
  const left = MIB - store.bytes;
  await store.set('key 0', 'y'.repeat(1_000 + left), 60_000);
  assert.equal(store.bytes, MIB);
  await assert.rejects(store.set('key 1', 'y'.repeat(1_001), 60_000), StoreFailed);
  assert.equal((await store.get('key 1'))?.length, 1_000);
  await store.set('key 1', 'y'.repeat(1_000), 60_000);
  await store.delete('key 0');
  await store.set('new', 'x', 60_000);
  assert.equal(count > 1, true);
});

test('empty values are bounded too', async () => {
  const { store } = open(MIB);
  assert.ok((await fill(store, 0)) < MIB / 512);
});

test('room whose time is over is given to others, however much of it there is', async () => {
  const { store, clock } = open(MIB);
  const count = await fill(store, 100, 1_000);
  clock.advance(1_000);
  assert.equal(await fill(store, 100), count);
  assert.ok(store.bytes <= MIB);
});

test('nobody has to ask for what is over, for it to be freed', async () => {
  const { store, clock } = open(MIB);
  const count = await fill(store, 100, 1_000);
  const full = store.bytes;
  clock.advance(1_000);
  for (let i = 0; i < count; i++) await store.set('one', 'x', 60_000);
  assert.ok(store.bytes < full / 100, `${store.bytes} of ${full}`);
});

test('with less room than it holds it throws nothing away', async () => {
  const { store } = open(8 * MIB);
  await store.set('a', 'x'.repeat(MIB - 600), 60_000);
  await store.set('b', 'x'.repeat(MIB - 600), 60_000);
  store.bytesMax = MIB;
  await assert.rejects(store.set('c', 'x', 60_000), StoreFailed);
  assert.equal((await store.get('a'))?.length, MIB - 600);
  await store.set('a', 'x', 60_000);
});

test('a value that is too long is refused, whatever room there is', async () => {
  const store = new MemoryStore(8 * MIB, { clock: new FakeClock(), logger: silentLogger });
  await assert.rejects(store.set('a', Buffer.alloc(limits.storeValueBytesMax + 1), 60_000), StoreFailed);
  assert.equal(store.bytes, 0);
});
