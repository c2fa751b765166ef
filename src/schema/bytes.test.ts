import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatBytes } from '#base/byte-text.ts';
import { bytes, parseBytes } from './bytes.ts';
import { explainIssue } from './explain.ts';

const accepted: Readonly<Record<string, number>> = {
  '0B': 0,
  '512B': 512,
  '64KiB': 65_536,
  '1kB': 1_000,
  '1KB': 1_000,
  '1MB': 1_000_000,
  '1.5MiB': 1_572_864,
  '2GiB': 2_147_483_648,
};

const refused = ['', '64', '64K', '64k', '64kb', '64 KiB', '-1B', '1TB', '1MiB ', '0x10B'];

function problemOf(schema: ReturnType<typeof bytes>, value: unknown): string | undefined {
  return schema.safeParse(value, { error: explainIssue }).error?.issues[0]?.message;
}

for (const [text, count] of Object.entries(accepted)) {
  test(`reads ${text} as ${count} bytes`, () => assert.equal(parseBytes(text), count));
}

for (const text of refused) {
  test(`does not read ${JSON.stringify(text)} as a size`, () => assert.equal(parseBytes(text), undefined));
}

test('reads back every size that it writes', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 39 }), (count) => assert.equal(parseBytes(formatBytes(count)), count)));
});

test('says what to write instead', () => {
  assert.equal(problemOf(bytes(), '64'), '"64" has no unit; write `64B`, `64KiB` or `64MiB`');
  assert.equal(problemOf(bytes(), '64K'), '"64K" is not a size; write a number and a unit, such as `512B`, `64KiB` or `1MB`');
  assert.equal(problemOf(bytes(), 64), 'expected a size such as `64KiB`, not the number 64');
});

test('refuses what is outside its bounds, and not the bounds themselves', () => {
  const schema = bytes({ min: '1KiB', max: '1MiB' });
  assert.equal(problemOf(schema, '1023B'), '"1023B" is too small; at least `1KiB`');
  assert.equal(schema.parse('1KiB'), 1_024);
  assert.equal(schema.parse('1024KiB'), 1_048_576);
  assert.equal(problemOf(schema, '1048577B'), '"1048577B" is too large; at most `1MiB`');
});
