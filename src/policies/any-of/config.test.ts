import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { toAnyOfConfig } from './config.ts';

const key = z.strictObject({ header: z.string().default('x-key'), anonymous: z.string().optional() });
const config = toAnyOfConfig([
  { name: 'key', config: key },
  { name: 'token', config: z.strictObject({ issuer: z.string() }) },
]);

test('the settings of each method are read as those of its policy', () => {
  assert.deepEqual(config.parse({ methods: [{ key: {} }, { token: { issuer: 'a' } }], anonymous: 'guest' }), {
    methods: [{ key: { header: 'x-key' } }, { token: { issuer: 'a' } }],
    anonymous: 'guest',
  });
});

test('says where inside a mistake is', () => {
  for (const [methods, path] of [
    [
      [{ key: {} }, { token: {} }],
      ['methods', 1, 'token', 'issuer'],
    ],
    [
      [{ key: {} }, { tokn: {} }],
      ['methods', 1],
    ],
    [
      [{ key: {}, token: { issuer: 'a' } }, { key: {} }],
      ['methods', 0],
    ],
    [
      [{ key: {} }, {}],
      ['methods', 1],
    ],
    [
      [{ key: { anonymous: 'guest' } }, { key: {} }],
      ['methods', 0, 'key', 'anonymous'],
    ],
    [[{ key: {} }], ['methods']],
    [Array.from({ length: 17 }, () => ({ key: {} })), ['methods']],
  ] as const) {
    const result = config.safeParse({ methods });
    assert.deepEqual(result.error?.issues[0]?.path, path, JSON.stringify(methods));
  }
});
