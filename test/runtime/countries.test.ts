/** A database of countries that changes under a running gateway, in all of its threads. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCheck } from '#cli/check.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { writeCountryDatabase } from '#test/support/country-database.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';

/** So many that each of two threads has some. */
const CONNECTIONS = 16;

const yaml = `version: 1
threads: 2
accessLog: false
geo: { database: ./geo.mmdb }
listeners:
  web: { address: 127.0.0.1:0, trustedProxies: [127.0.0.1] }
policies:
  ip: { countries: { allow: [CH] } }
routes:
  all: { match: { path: /* }, to: { respond: { text: in } } }
`;

test('a database that is replaced takes effect by itself, and a broken one changes nothing', async (t) => {
  const folder = await makeFolder(t);
  const file = join(folder, 'geo.mmdb');
  await writeFile(file, writeCountryDatabase({ '192.0.2.0/24': 'CH', '198.51.100.0/24': 'FR' }));
  const gatehouse = await GatehouseProcess.start(t, yaml, { folder });
  const askFrom = async (address: string) => {
    const headers = { 'x-forwarded-for': address };
    const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(gatehouse.port(), '/', { headers })));
    return [...new Set(answers.map(({ status }) => status))];
  };
  assert.deepEqual(await askFrom('192.0.2.7'), [200]);
  assert.deepEqual(await askFrom('198.51.100.7'), [403]);
  await writeFile(file, writeCountryDatabase({ '192.0.2.0/24': 'FR', '198.51.100.0/24': 'CH' }));
  do await gatehouse.nextEvent('configuration applied');
  while ((await askFrom('192.0.2.7'))[0] !== 403);
  assert.deepEqual(await askFrom('198.51.100.7'), [200]);
  await writeFile(file, 'nonsense');
  await gatehouse.nextEvent('database of countries refused; the one before stays');
  assert.deepEqual(await askFrom('198.51.100.7'), [200]);
});

test('a check says that a database is not there', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'gatehouse.yaml'), yaml);
  const { status, stdout } = await runCommand(runCheck, [], folder);
  assert.equal(status, 2);
  assert.match(
    stdout,
    /gatehouse\.yaml:4:\d+ geo\.database: the database of countries .*geo\.mmdb cannot be read: there is no such file/,
  );
  await writeFile(join(folder, 'geo.mmdb'), writeCountryDatabase({ '192.0.2.0/24': 'CH' }));
  assert.equal((await runCommand(runCheck, [], folder)).status, 0);
  await rm(join(folder, 'geo.mmdb'));
});
