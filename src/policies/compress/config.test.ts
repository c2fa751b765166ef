import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compressConfig } from './config.ts';

test('has defaults that need nothing to be said', () => {
  const { types, ...rest } = compressConfig.parse({});
  assert.deepEqual(rest, {
    encodings: ['zstd', 'br', 'gzip'],
    minBytes: 1024,
    levels: { gzip: 5, br: 4, zstd: 6 },
    acceptEncoding: 'pass',
    crossSite: 'plain',
  });
  assert.ok(types.includes('application/json') && types.includes('text/*') && types.includes('+json'));
});

test('types are put into lower case, and one level may be given alone', () => {
  const { types, levels } = compressConfig.parse({ types: ['Text/HTML', '+JSON', 'image/*'], levels: { br: 5 } });
  assert.deepEqual([types, levels], [['text/html', '+json', 'image/*'], { gzip: 5, br: 5, zstd: 6 }]);
});

test('refuses what no answer could be compressed with', () => {
  for (const [config, path] of [
    [{ encodings: [] }, ['encodings']],
    [{ encodings: ['deflate'] }, ['encodings', 0]],
    [{ encodings: ['gzip', 'gzip'] }, ['encodings']],
    [{ types: [] }, ['types']],
    [{ types: ['json'] }, ['types', 0]],
    [{ types: ['*/*'] }, ['types', 0]],
    [{ types: ['text/html; charset=utf-8'] }, ['types', 0]],
    [{ minBytes: '1' }, ['minBytes']],
    [{ levels: { gzip: 0 } }, ['levels', 'gzip']],
    [{ levels: { br: 8 } }, ['levels', 'br']],
    [{ levels: { zstd: 13 } }, ['levels', 'zstd']],
    [{ acceptEncoding: 'gzip' }, ['acceptEncoding']],
    [{ crossSite: true }, ['crossSite']],
  ] as const)
    assert.deepEqual(compressConfig.safeParse(config).error?.issues[0]?.path, path, JSON.stringify(config));
});
