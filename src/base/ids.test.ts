import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdSource } from './ids.ts';

test('ids are 32 lower-case hexadecimal digits and never repeat, also across batches and sources', () => {
  const sources = [createIdSource(), createIdSource()];
  const ids = sources.flatMap((next) => Array.from({ length: 1_000 }, next));
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test('every digit of an id varies', () => {
  const next = createIdSource();
  const ids = Array.from({ length: 300 }, next);
  for (let digit = 0; digit < 32; digit++) assert.ok(new Set(ids.map((id) => id[digit])).size > 8, `digit ${digit}`);
});
