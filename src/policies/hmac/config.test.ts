import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmacConfig } from './config.ts';

test('covers by default what decides where a request goes, and its body', () => {
  assert.deepEqual(hmacConfig.parse({}), {
    covers: ['@method', '@authority', '@path', '@query'],
    body: 'signed',
    maxAge: 300_000,
    leeway: 30_000,
    nonce: 'required',
    forward: false,
  });
  assert.deepEqual(hmacConfig.parse({ covers: ['@target-uri', 'Content-Type'] }).covers, ['@target-uri', 'content-type']);
});

test('refuses what no signature covers, and signatures that count too long', () => {
  for (const config of [
    { covers: [] },
    { covers: ['@status'] },
    { covers: ['@query-param'] },
    { covers: ['a b'] },
    { body: 'none' },
    { maxAge: '2d' },
    { maxAge: '0s' },
    { leeway: '1h' },
    { nonce: false },
    { algorithm: 'hmac-sha1' },
  ])
    assert.equal(hmacConfig.safeParse(config).success, false, JSON.stringify(config));
});
