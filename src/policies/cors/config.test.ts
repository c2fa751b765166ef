import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corsConfig } from './config.ts';

test('has defaults that are enough for most pages', () => {
  assert.deepEqual(corsConfig.parse({ origins: ['https://App.example.com'] }), {
    origins: ['https://app.example.com'],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    headers: '*',
    expose: [],
    credentials: false,
    maxAge: 600_000,
    privateNetwork: false,
  });
});

test('refuses settings that contradict each other or that no browser takes', () => {
  const origins = ['https://app.example.com'];
  for (const [config, path] of [
    [{}, ['origins']],
    [{ origins: '*', credentials: true }, ['credentials']],
    [{ origins, credentials: true, expose: '*' }, ['expose']],
    [{ origins: ['*'] }, ['origins', 0]],
    [{ origins: ['null'] }, ['origins', 0]],
    [{ origins: ['https://app.example.com/'] }, ['origins', 0]],
    [{ origins, methods: [] }, ['methods']],
    [{ origins, methods: ['get'] }, ['methods', 0]],
    [{ origins, headers: ['a b'] }, ['headers', 0]],
    [{ origins, maxAge: '2d' }, ['maxAge']],
  ] as const)
    assert.deepEqual(corsConfig.safeParse(config).error?.issues[0]?.path, path, JSON.stringify(config));
  assert.equal(corsConfig.safeParse({ origins, credentials: true }).success, true);
});
