import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpsRedirectConfig } from './config.ts';

test('takes no status that sends nobody elsewhere', () => {
  for (const config of [{ status: 200 }, { status: 303 }, { port: 0 }, { port: 65_536 }, { other: 1 }])
    assert.equal(httpsRedirectConfig.safeParse(config).success, false, JSON.stringify(config));
});
