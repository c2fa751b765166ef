import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorizeConfig } from './config.ts';

test('refuses rules that name nobody', () => {
  for (const config of [
    {},
    { consumers: [] },
    { groups: [] },
    { groups: [''] },
    { group: ['gold'] },
    { groups: ['a'], mode: 'dry' },
  ])
    assert.equal(authorizeConfig.safeParse(config).success, false, JSON.stringify(config));
});
