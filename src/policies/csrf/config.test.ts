import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csrfConfig } from './config.ts';

test('needs no settings', () => {
  assert.deepEqual(csrfConfig.parse({}), { origins: [], mode: 'enforce' });
});

test('refuses what is no origin', () => {
  for (const config of [
    { origins: ['*'] },
    { origins: ['null'] },
    { origins: ['app.example.com'] },
    { origins: '*' },
    { mode: 'off' },
  ])
    assert.equal(csrfConfig.safeParse(config).success, false, JSON.stringify(config));
  assert.equal(csrfConfig.safeParse({ origins: ['https://app.example.com'] }).success, true);
});
