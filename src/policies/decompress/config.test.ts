import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decompressConfig } from './config.ts';

test('has defaults that most clients stay within', () => {
  assert.deepEqual(decompressConfig.parse({}), {
    encodings: ['gzip', 'deflate', 'br', 'zstd'],
    maxBytes: 10 * 1024 * 1024,
    maxRatio: 100,
  });
});

test('refuses settings that let nothing pass, or anything', () => {
  for (const [config, path] of [
    [{ encodings: [] }, ['encodings']],
    [{ encodings: ['identity'] }, ['encodings', 0]],
    [{ encodings: ['br', 'br'] }, ['encodings']],
    [{ maxBytes: '0B' }, ['maxBytes']],
    [{ maxBytes: 5 }, ['maxBytes']],
    [{ maxRatio: 0.5 }, ['maxRatio']],
    [{ maxRatio: 20_000 }, ['maxRatio']],
  ] as const)
    assert.deepEqual(decompressConfig.safeParse(config).error?.issues[0]?.path, path, JSON.stringify(config));
});
