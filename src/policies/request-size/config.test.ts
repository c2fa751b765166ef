import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestSizeConfig } from './config.ts';

test('takes sizes with a unit, and numbers of fields and parameters', () => {
  assert.deepEqual(
    requestSizeConfig.parse({ body: '1MiB', head: '16KiB', field: '4KiB', fields: 50, url: '2KiB', parameters: 0 }),
    { body: 1_048_576, head: 16_384, field: 4_096, fields: 50, url: 2_048, parameters: 0, mode: 'enforce' },
  );
  assert.ok(requestSizeConfig.safeParse({ body: '0B' }).success, 'no body at all');
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { mode: 'report' },
    { body: 1_000 },
    { body: '1' },
    { head: '255B' },
    { field: '63B' },
    { fields: 0 },
    { fields: 1.5 },
    { url: '15B' },
    { parameters: -1 },
    { body: '1MiB', mode: 'dry' },
    { body: '1MiB', trailers: '1KiB' },
  ])
    assert.equal(requestSizeConfig.safeParse(config).success, false, JSON.stringify(config));
});
