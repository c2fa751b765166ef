/** The configurations in `examples` are taken, without a warning, when what they name is there. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';

for (const group of ['access', 'one-request']) {
  const folder = join(import.meta.dirname, '../../examples', group);
  const names = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

  test(`each configuration in examples/${group} is listed there, and says how to try it`, () => {
    const list = readFileSync(join(folder, 'README.md'), 'utf8');
    assert.deepEqual(
      names.filter((name) => !list.includes(`[${name}](${name})`)),
      [],
    );
    assert.deepEqual(
      names.filter((name) => !/^# +(?:.* )?curl /m.test(readFileSync(join(folder, name), 'utf8'))),
      [],
    );
  });

  for (const name of names) {
    test(`examples/${group}/${name} is taken`, async () => {
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      const { issues } = await loadConfigurationText(text, path, {
        policies: policyOrder,
        env: toEnvironment(text),
        readFile: (file) => Promise.resolve(toValue(file)),
      });
      assert.deepEqual(issues, []);
    });
  }
}

test('each example of one request is listed once with a line to try it, and played by a test', () => {
  const folder = join(import.meta.dirname, '../../examples/one-request');
  const names = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const rows = readFileSync(join(folder, 'README.md'), 'utf8').split('\n');
  const tests = readdirSync(import.meta.dirname)
    .filter((file) => file !== basename(import.meta.filename))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
    .join('\n');
  const isPlayed = (name: string) => tests.includes(`test('examples/one-request/${name} `);
  const tryLines = (name: string) => rows.filter((row) => row.startsWith(`| [${name}](${name})`) && row.includes('curl ')).length;
  assert.deepEqual(
    names.map((name) => [name, tryLines(name), isPlayed(name)]),
    names.map((name) => [name, 1, true]),
  );
});

/** A value for each variable that is named, and another one for each. */
function toEnvironment(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g)].map((match) => match[1]!);
  return Object.fromEntries(names.map((name) => [name, toValue(name)]));
}

/** Long enough for a key or a secret; a private key where that is what the name promises. */
function toValue(name: string): string {
  if (name.endsWith('.pem')) return String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);
}
