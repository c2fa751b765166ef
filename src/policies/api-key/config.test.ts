import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyConfig } from './config.ts';

test('looks for the key in x-api-key unless another place is written', () => {
  assert.equal(apiKeyConfig.parse({}).header, 'x-api-key');
  assert.equal(apiKeyConfig.parse({ header: 'X-Shop-Key' }).header, 'x-shop-key');
  assert.equal(apiKeyConfig.parse({ query: 'key' }).header, undefined);
  assert.equal(apiKeyConfig.parse({ cookie: 'key' }).header, undefined);
});

test('refuses places that hold no key', () => {
  for (const config of [
    { header: 'connection' },
    { header: 'a b' },
    { query: '' },
    { cookie: 'a=b' },
    { query: 'key', scheme: 'Bearer' },
    { anonymous: '' },
    { forward: 'yes' },
    { hedaer: 'x-api-key' },
  ])
    assert.equal(apiKeyConfig.safeParse(config).success, false, JSON.stringify(config));
  assert.equal(apiKeyConfig.safeParse({ header: 'authorization', scheme: 'Bearer', query: 'key' }).success, true);
});
