import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorConfig } from './config.ts';

test('copies everything to the service that is named, unless told otherwise', () => {
  assert.deepEqual(mirrorConfig.parse({ to: 'shadow' }), { to: 'shadow', percent: 1, maxBody: 64 * 1024, timeout: 5_000 });
  assert.equal(mirrorConfig.parse({ to: 'shadow', percent: '0.25%' }).percent, 0.0025);
  assert.deepEqual(mirrorConfig.parse({ to: 'shadow', compare: { ignore: ['X-Build', '/a/*'] } }).compare, {
    ignore: ['x-build', '/a/*'],
    unordered: [],
    sample: 1,
    bodyMax: 64 * 1024,
  });
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { to: '' },
    { to: 'shadow', percent: '-1%' },
    { to: 'shadow', percent: '100.1%' },
    { to: 'shadow', maxBody: '2MiB' },
    { to: 'shadow', timeout: '5ms' },
    { to: 'shadow', share: 10 },
    { to: 'shadow', compare: { ignore: ['two words'] } },
    { to: 'shadow', compare: { ignore: ['/a~2'] } },
    { to: 'shadow', compare: { unordered: ['items'] } },
    { to: 'shadow', compare: { bodyMax: '2MiB' } },
  ])
    assert.equal(mirrorConfig.safeParse(config).success, false, JSON.stringify(config));
});
