import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hstsConfig } from './config.ts';

test('refuses a preload that the lists of browsers would refuse', () => {
  for (const config of [
    { preload: true },
    { preload: true, includeSubDomains: true, maxAgeDays: 364 },
    { maxAgeDays: -1 },
    { maxAgeDays: 3651 },
  ])
    assert.equal(hstsConfig.safeParse(config).success, false, JSON.stringify(config));
  assert.equal(hstsConfig.safeParse({ preload: true, includeSubDomains: true, maxAgeDays: 365 }).success, true);
});
