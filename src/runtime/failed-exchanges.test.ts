import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailedExchanges } from './failed-exchanges.ts';
import type { ExchangeSeen } from './watching-messages.ts';

const seen = (id: string, route: string) => ({ record: { id, route } }) as unknown as ExchangeSeen;
const toIds = (list: readonly ExchangeSeen[]) => list.map(({ record }) => record.id);

test('the last hundred are kept, newest first', () => {
  const failures = new FailedExchanges();
  for (let i = 0; i < 150; i++) failures.add(seen(String(i), 'a'));
  const ids = toIds(failures.list(undefined));
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [100, '149', '50']);
  assert.equal(toIds(failures.list('a')).length, 100);
});

test('a route that fails often hides no other', () => {
  const failures = new FailedExchanges();
  for (let i = 0; i < 25; i++) failures.add(seen(`rare-${i}`, 'rare'));
  for (let i = 0; i < 200; i++) failures.add(seen(`often-${i}`, 'often'));
  const ids = toIds(failures.list('rare'));
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [20, 'rare-24', 'rare-5']);
  assert.equal(failures.find('rare-24')?.record.route, 'rare');
  assert.equal(failures.find('rare-4'), undefined);
});

test('of at most two hundred routes something is kept: the one that has failed longest ago is forgotten', () => {
  const failures = new FailedExchanges();
  for (let i = 0; i < 200; i++) failures.add(seen(`old-${i}`, `route-${i}`));
  failures.add(seen('again', 'route-0'));
  failures.add(seen('new', 'route-200'));
  assert.equal(failures.find('old-1')?.record.id, undefined);
  assert.equal(failures.find('old-2')?.record.id, 'old-2');
  assert.deepEqual(toIds(failures.list('route-0')), ['again', 'old-0']);
});
