import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WITHIN_QUOTA } from '#base/quotas.ts';
import type { Configuration } from '#config/configuration.ts';
import { QuotaFile } from '#stores/quota-file.ts';
import { SharedQuotas } from '#stores/shared-quotas.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { QuotaKeeper } from './quota-keeper.ts';

const SAVED_EVERY_MS = 1_000;
const rules = [{ limit: 1_000, period: 'month', timeZone: 'UTC' }] as const;

async function openBench(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const file = join(await makeFolder(t), 'state.db');
  const clock = new FakeClock();
  const told: string[] = [];
  const logger = { log: (level: string, message: string) => void told.push(`${level}: ${message}`) };
  const openKeeper = async () => {
    const configuration = { quotas: { keys: 1_000 }, stores: { file } } as Configuration;
    const keeper = await QuotaKeeper.open(configuration, { clock, logger });
    assert.ok(!('problem' in keeper));
    const quota = new SharedQuotas(keeper.memory, { threadNumber: 0, logger }).open({ name: 'tested', showsKeys: true, rules });
    return { keeper, take: (key: string) => quota.take(key, clock.wallMs()) === WITHIN_QUOTA };
  };
  return { told, clock, openKeeper };
}

/** Steps of a save follow each other by this. */
const turn = () => new Promise(setImmediate);

test('counts on in memory while the file cannot be written, says so once, and writes everything when it can', async (t) => {
  const { told, openKeeper } = await openBench(t);
  const { keeper, take } = await openKeeper();
  // A disk that is full is nothing that a test can have.
  const saving = t.mock.method(QuotaFile.prototype, 'save', () => assert.fail('the disk is full'));
  for (let i = 0; i < 500; i++) assert.ok(take(`key ${i}`));
  t.mock.timers.tick(SAVED_EVERY_MS);
  t.mock.timers.tick(SAVED_EVERY_MS);
  await turn();
  assert.ok(saving.mock.callCount() >= 2);
  assert.deepEqual(told, ['error: counts of quotas cannot be saved, and are kept in memory']);
  assert.equal(keeper.list(0, 1_000).quotas.length, 500);
  saving.mock.restore();
  t.mock.timers.tick(SAVED_EVERY_MS);
  for (let i = 0; told.length < 2 && i < 100; i++) await turn();
  assert.deepEqual(told[1], 'info: counts of quotas are saved again');
  keeper.close();
  const next = await openKeeper();
  assert.equal(next.keeper.list(0, 1_000).quotas.length, 500);
  next.keeper.close();
});

test('writes what has changed, and nothing else', async (t) => {
  const { openKeeper } = await openBench(t);
  const first = await openKeeper();
  assert.ok(first.take('a') && first.take('a') && first.take('b'));
  first.keeper.close();
  const second = await openKeeper();
  const saving = t.mock.method(QuotaFile.prototype, 'save');
  t.mock.timers.tick(SAVED_EVERY_MS);
  await turn();
  assert.equal(saving.mock.callCount(), 0, 'what was read is not written');
  assert.ok(second.take('a'));
  t.mock.timers.tick(SAVED_EVERY_MS);
  await turn();
  const written = saving.mock.calls.flatMap(({ arguments: [entries] }) => entries);
  assert.ok(written.some(({ key, used }) => key === 'a' && used === 3));
  second.keeper.close();
});

test('forgets windows that are over, and has room for the next ones', async (t) => {
  const { clock, openKeeper, told } = await openBench(t);
  const { keeper, take } = await openKeeper();
  // By the chance of their hashes, a thousand would have room for nearly all of many more; for so few there always is.
  const KEYS = 700;
  for (let month = 1; month <= 12; month++) {
    clock.jumpWallTo(Date.UTC(2032, month, 1));
    for (let i = 0; i < KEYS; i++) assert.ok(take(`key ${i}`));
    assert.equal(keeper.list(0, 2_000).quotas.length, KEYS);
  }
  keeper.close();
  const next = await openKeeper();
  assert.equal(next.keeper.list(0, 2_000).quotas.length, KEYS);
  next.keeper.close();
  assert.deepEqual(told, []);
});

test('a count that was reset stays so over a restart', async (t) => {
  const { openKeeper } = await openBench(t);
  const { keeper, take } = await openKeeper();
  assert.ok(take('a') && take('a') && take('b'));
  const shown = keeper.list(0, 10).quotas.find(({ key }) => key === 'a');
  assert.equal(keeper.reset(shown!.id), true);
  assert.equal(keeper.reset('not an id'), false);
  keeper.close();
  const next = await openKeeper();
  assert.deepEqual(
    next.keeper.list(0, 10).quotas.map(({ key, used }) => [key, used]),
    [['b', 1]],
  );
  next.keeper.close();
});
