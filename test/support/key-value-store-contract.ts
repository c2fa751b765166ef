/** What everybody may expect of a store for values. */
import assert from 'node:assert/strict';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';

export async function checkKeyValueStore(store: KeyValueStore): Promise<void> {
  const bytes = Buffer.from([0, 13, 10, 255, 36, 45]);
  await store.set('binary', bytes, 60_000);
  await store.set('text', 'grüße', 60_000);
  assert.deepEqual(await store.get('binary'), bytes);
  assert.equal((await store.get('text'))?.toString(), 'grüße');
  assert.equal(await store.get('other'), undefined);
  await store.set('text', 'Grüße', 60_000);
  assert.equal((await store.get('text'))?.toString(), 'Grüße');
  await store.delete('text');
  await store.delete('text');
  assert.equal(await store.get('text'), undefined);
  assert.deepEqual(await Promise.all([store.add('one', 'a', 60_000), store.add('one', 'b', 60_000)]), [true, false]);
  assert.equal((await store.get('one'))?.toString(), 'a');
  await store.delete('one');
  assert.equal(await store.add('one', bytes, 60_000), true);
  assert.deepEqual(await store.get('one'), bytes);
  const long = Buffer.alloc(limits.storeValueBytesMax, 'x');
  await store.set('k'.repeat(10_000), long, 60_000);
  assert.deepEqual(await store.get('k'.repeat(10_000)), long);
  await assert.rejects(store.set('too long', `${long}x`, 60_000), StoreFailed);
  await store.set('__proto__', 'x', 60_000);
  assert.equal((await store.get('__proto__'))?.toString(), 'x');
}
