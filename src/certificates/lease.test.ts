import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock.ts';
import { Lease } from './lease.ts';

async function createFolder(t: TestContext): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-lease-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return { folder, path: join(folder, 'lease') };
}

test('one of many holds it', async (t) => {
  const { path, folder } = await createFolder(t);
  const leases = Array.from({ length: 20 }, () => new Lease(path, new FakeClock()));
  const taken = await Promise.all(leases.map((lease) => lease.take()));
  assert.equal(taken.filter(Boolean).length, 1);
  const holder = leases[taken.indexOf(true)]!;
  await holder.release();
  assert.deepEqual(await readdir(folder), []);
  assert.equal(await leases.find((lease) => lease !== holder)!.take(), true);
});

test('a holder that beats keeps it, however long', async (t) => {
  const { path } = await createFolder(t);
  const clock = new FakeClock();
  const [holder, other] = [new Lease(path, clock), new Lease(path, clock)];
  await holder.take();
  for (let i = 0; i < 30; i++) {
    clock.advance(6_000);
    assert.equal(await holder.beat(), true);
    assert.equal(await other.take(), false);
  }
});

test('one that is never renewed is taken over by exactly one', async (t) => {
  const { path, folder } = await createFolder(t);
  const clock = new FakeClock();
  await new Lease(path, clock).take();
  const others = Array.from({ length: 10 }, () => new Lease(path, clock));
  for (const seconds of [0, 29]) {
    clock.advance(seconds * 1_000);
    assert.ok((await Promise.all(others.map((lease) => lease.take()))).every((taken) => !taken));
  }
  clock.advance(2_000);
  const taken = await Promise.all(others.map((lease) => lease.take()));
  assert.equal(taken.filter(Boolean).length, 1);
  assert.deepEqual(await readdir(folder), ['lease']);
});

test('a holder that stood still finds out', async (t) => {
  const { path } = await createFolder(t);
  const clock = new FakeClock();
  const [holder, other] = [new Lease(path, clock), new Lease(path, clock)];
  await holder.take();
  await other.take();
  clock.advance(31_000);
  await other.take();
  const present = await readFile(path, 'utf8');
  assert.deepEqual([await holder.beat(), holder.isHeld], [false, false]);
  await holder.release();
  assert.equal(await readFile(path, 'utf8'), present);
});

test('a holder whose lease is gone finds out with its next beat', async (t) => {
  const { path } = await createFolder(t);
  const clock = new FakeClock();
  const holder = new Lease(path, clock);
  await holder.take();
  await writeFile(path, 'somebody else');
  assert.equal(await holder.beat(), true);
  clock.advance(5_000);
  assert.equal(await holder.beat(), false);
});

test('one who died in the moment of taking over holds nobody up for ever', async (t) => {
  const { path, folder } = await createFolder(t);
  const clock = new FakeClock();
  await new Lease(path, clock).take();
  await writeFile(`${path}.over`, 'somebody');
  const lease = new Lease(path, clock);
  for (let seconds = 0; seconds < 70; seconds += 10) {
    assert.equal(await lease.take(), false);
    clock.advance(10_000);
  }
  assert.equal(await lease.take(), true);
  assert.deepEqual(await readdir(folder), ['lease']);
});
