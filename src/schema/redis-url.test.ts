import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRedisUrl } from './redis-url.ts';

test('reads where a server is', () => {
  for (const [text, value] of [
    ['redis://127.0.0.1:6379', { host: '127.0.0.1', port: 6379, database: 0, isSecure: false }],
    ['redis://redis', { host: 'redis', port: 6379, database: 0, isSecure: false }],
    ['redis://redis/', { host: 'redis', port: 6379, database: 0, isSecure: false }],
    ['rediss://redis.example.com:6380/2', { host: 'redis.example.com', port: 6380, database: 2, isSecure: true }],
    ['redis://[::1]:7000/15', { host: '::1', port: 7000, database: 15, isSecure: false }],
  ] as const)
    assert.deepEqual(readRedisUrl(text), { value });
});

test('says what is wrong with what is none, and never shows what may be a password', () => {
  for (const text of [
    '',
    'redis',
    'redis:6379',
    'http://redis:6379',
    'redis://',
    'redis://:6379',
    'redis://redis:0',
    'redis://redis:65536',
    'redis://redis:port',
    'redis://redis/one',
    'redis://redis/99999',
    'redis://[127.0.0.1]',
    'redis://redis:6379?password=x',
    'redis+unix:///run/redis.sock',
  ])
    assert.ok('problem' in readRedisUrl(text), text);
  for (const text of [
    'redis://:hunter2@redis:6379',
    'redis://alice:hunter2@redis',
    'redis://alice:hunter2@',
    'redis:// alice:hunter2@redis',
  ]) {
    const reading = readRedisUrl(text);
    assert.ok('problem' in reading);
    assert.doesNotMatch(reading.problem, /hunter2/);
  }
});
