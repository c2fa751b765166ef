import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAuthConfig } from './config.ts';

test('sends credentials and takes nothing along unless something else is written', () => {
  const { send, forward, path, method, onFailure, cache } = forwardAuthConfig.parse({ service: 'decider' });
  assert.deepEqual(
    { send, forward, path, method, onFailure, cache },
    { send: ['authorization', 'cookie'], forward: [], path: '/', method: 'GET', onFailure: 'refuse', cache: undefined },
  );
});

test('refuses what cannot be asked', () => {
  for (const config of [
    {},
    { service: '' },
    { service: 'a', path: 'verify' },
    { service: 'a', path: 'http://a/' },
    { service: 'a', path: '/a b' },
    { service: 'a', path: '/a#b' },
    { service: 'a', send: ['host'] },
    { service: 'a', send: ['x-forwarded-for'] },
    { service: 'a', send: ['x-forwarded-uri'] },
    { service: 'a', forward: ['content-length'] },
    { service: 'a', consumer: 'connection' },
    { service: 'a', timeout: '1ms' },
    { service: 'a', maxAnswer: '2MiB' },
    { service: 'a', onFailure: 'open' },
    { service: 'a', mode: 'dry' },
    { service: 'a', cache: {} },
    { service: 'a', cache: { ttl: '2h' } },
    { service: 'a', cache: { ttl: '1m', by: [] } },
    { service: 'a', cache: { ttl: '1m', by: ['ip'] } },
  ])
    assert.equal(forwardAuthConfig.safeParse(config).success, false, JSON.stringify(config));
});

test('a cache does not leave out what is sent', () => {
  const find = (by: readonly string[], send?: readonly string[]) =>
    forwardAuthConfig
      .safeParse({ service: 'a', cache: { ttl: '1m', by }, ...(send !== undefined && { send }) })
      .error?.issues.map(({ message, path }) => [path.join('.'), message]);
  assert.deepEqual(find(['path']), [
    ['cache.by', 'the answer may depend on `header.authorization`, `header.cookie`, which is sent and not among these'],
  ]);
  assert.deepEqual(find(['path', 'header.authorization']), [
    ['cache.by', 'the answer may depend on `header.cookie`, which is sent and not among these'],
  ]);
  assert.equal(find(['header.authorization', 'cookie.session']), undefined);
  assert.equal(find(['header.authorization', 'header.cookie']), undefined);
  assert.equal(find(['header.authorization'], ['authorization']), undefined);
  assert.equal(find(['path'], []), undefined);
});
