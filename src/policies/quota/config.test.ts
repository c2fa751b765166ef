import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quotaConfig } from './config.ts';

test('takes a limit, by who asks and in UTC unless told otherwise', () => {
  assert.deepEqual(quotaConfig.parse({ limit: '100000/month' }), {
    limits: [{ limit: 100_000, period: 'month', name: '100000/month' }],
    tiers: [],
    by: [{ kind: 'consumer' }],
    timeZone: 'UTC',
    headers: 'refusals',
    mode: 'enforce',
  });
});

test('takes several limits, tiers in their order, and short numbers', () => {
  const { limits, tiers, timeZone } = quotaConfig.parse({
    limits: ['5k/day', '20k/week'],
    tiers: { gold: '1M/month', silver: ['10k/day', '100k/month'] },
    timeZone: 'Europe/Berlin',
  });
  assert.deepEqual(
    limits?.map(({ name }) => name),
    ['5000/day', '20000/week'],
  );
  assert.deepEqual(
    tiers.map(({ group, limits: of }) => [group, ...of.map(({ name }) => name)]),
    [
      ['gold', '1000000/month'],
      ['silver', '10000/day', '100000/month'],
    ],
  );
  assert.equal(timeZone, 'Europe/Berlin');
  assert.ok(quotaConfig.safeParse({ tiers: { gold: '1M/month' } }).success);
  assert.ok(quotaConfig.safeParse({ limit: '1000M/month' }).success);
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { tiers: {} },
    { by: 'ip' },
    { limit: 100 },
    { limit: '0/month' },
    { limit: '100/minute' },
    { limit: '100/year' },
    { limit: '1G/month' },
    { limit: '1001M/month' },
    { limits: [] },
    { limits: ['1/day', '2/day'] },
    { limit: ['1/day'] },
    { limit: '1/day', limits: ['2/week'] },
    { tiers: { 10: '1/day' } },
    { tiers: { gold: ['1/day', '2/day'] } },
    { tiers: { '': '1/day' } },
    { limit: '1/day', by: 'plan' },
    { limit: '1/day', timeZone: 'Europe/Atlantis' },
    { limit: '1/day', headers: true },
    { limit: '1/day', mode: 'dry' },
    { limit: '1/day', burst: 3 },
  ])
    assert.equal(quotaConfig.safeParse(config).success, false, JSON.stringify(config));
});
