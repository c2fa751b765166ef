import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { findTooManyEndpoints } from './endpoint-room.ts';
import { loadConfigurationText } from './load.ts';

const many = (count: number) => Array.from({ length: count }, (_, i) => `http://h${i}:1`);

test('a service whose endpoints no gateway could hold is named, and the first one only', () => {
  // Two services besides their endpoints.
  const half = limits.endpointsMax / 2 - 1;
  const fitting = { a: { endpoints: many(half) }, b: { endpoints: [...many(half), 'http://h0:1', { url: 'http://h0:1' }] } };
  assert.deepEqual(findTooManyEndpoints(fitting), []);
  assert.deepEqual(findTooManyEndpoints({ ...fitting, c: {}, d: {} }), [
    {
      path: ['services', 'c', 'endpoints'],
      code: 'conflict',
      message: `no room for these endpoints: the gateway holds ${limits.endpointsMax} services and endpoints together, and with this service it would be ${limits.endpointsMax + 1}`,
    },
  ]);
  for (const misshapen of [undefined, [], { a: 5, b: { endpoints: 'http://a' } }])
    assert.deepEqual(findTooManyEndpoints(misshapen), []);
});

test('a configuration is refused for it before anything is tried', async () => {
  const endpoints = JSON.stringify(many(limits.endpointsMax));
  const text = `{"version": 1, "listeners": {"web": {"address": ":80"}},\n"services": {"a": {"endpoints": ${endpoints}}}}`;
  const { issues } = await loadConfigurationText(text, '/etc/gatehouse.json', { policies: [], env: {} });
  assert.deepEqual(
    issues.map(({ line, column, path }) => [line, column, path.join('.')]),
    [[2, 33, 'services.a.endpoints']],
  );
});
