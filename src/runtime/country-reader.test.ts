import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { LogFields } from '#base/logger.ts';
import { writeCountryDatabase } from '#test/support/country-database.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { CountryReader } from './country-reader.ts';

async function setUp(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-countries-'));
  t.after(() => rm(folder, { recursive: true }));
  const database = join(folder, 'countries.mmdb');
  await writeFile(database, writeCountryDatabase({ '10.0.0.0/8': 'CH' }));
  const logged: (LogFields | undefined)[] = [];
  const logger = { log: (_level: string, _message: string, fields?: LogFields) => void logged.push(fields) };
  const reader = new CountryReader({ clock: new FakeClock(), logger });
  return { database, logged, reader, read: () => reader.read({ geo: { database } }) };
}

test('a database that is the same is the same image, and another one is another', async (t) => {
  const { database, read } = await setUp(t);
  const { image, findings } = await read();
  assert.deepEqual(findings, []);
  assert.equal((await read()).image, image);
  await writeFile(database, writeCountryDatabase({ '10.0.0.0/8': 'CH', '11.0.0.0/8': 'LI' }));
  const other = (await read()).image;
  assert.ok(other !== undefined && other !== image);
});

test('in the place of a database that has become unusable stays the one before, until none is named', async (t) => {
  const { database, reader, logged, read } = await setUp(t);
  const { image } = await read();
  await writeFile(database, 'nonsense');
  assert.deepEqual(await read(), { image, findings: [] });
  assert.deepEqual(logged, [{ file: database, issue: 'is no database of MaxMind’s format' }]);
  await rm(database);
  assert.equal((await read()).image, image);
  assert.deepEqual(await reader.read({ geo: undefined }), { image: undefined, findings: [] });
  const message = `the database of countries ${database} cannot be read: there is no such file`;
  const { findings } = await read();
  assert.deepEqual(findings, [{ path: ['geo', 'database'], code: 'unreadable-file', message }]);
});

test('refuses what cannot be a database of countries', async (t) => {
  const { database, read } = await setUp(t);
  for (const [bytes, problem] of [
    [Buffer.from('<html>'), /is no database of MaxMind’s format$/],
    [writeCountryDatabase({ '10.0.0.0/8': 'CH' }, { toRecord: () => ({ asn: 64_496 }) }), /names no country$/],
  ] as const) {
    await writeFile(database, bytes);
    assert.match((await read()).findings[0]?.message ?? '', problem);
  }
  await truncate(database, limits.countryDatabaseBytesMax + 1);
  assert.match((await read()).findings[0]?.message ?? '', /at most \d+ are read$/);
});
