import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAtOnce } from '#base/slices.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { hashConfiguration, toShortHash } from './configuration-hash.ts';

const TEXT = `version: 1
listeners: { web: { address: ":8080" } }
admin: { address: "127.0.0.1:9080", token: token-0123456789abcdef }
routes:
  a: { match: { path: /a }, to: { respond: { text: "\${env:WORD}" } } }
  b: { match: { path: /b, method: [GET, POST] }, to: { respond: {} } }
`;

async function hash(text: string, word = 'x'): Promise<string> {
  const { configuration } = await loadConfigurationText(text, '/gatehouse.yaml', { policies: policyOrder, env: { WORD: word } });
  return runAtOnce(hashConfiguration(configuration!));
}

test('what says the same has the same hash', async () => {
  const first = await hash(TEXT);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(toShortHash(first), first.slice(0, 12));
  const [a, b] = TEXT.split('\n').slice(4, 6);
  const same = [
    `# a comment\n${TEXT}`,
    TEXT.replace(`${a}\n${b}`, `${b}\n${a}`),
    TEXT.replace('{ path: /b, method: [GET, POST] }', '{ method: [GET, POST], path: [/b] }'),
    TEXT.replace('token-', 'other-'),
    TEXT.replace('"${env:WORD}"', 'x'),
  ];
  for (const text of same) assert.equal(await hash(text), first, text);
});

test('what says something else has another hash', async () => {
  const first = await hash(TEXT);
  const others = [
    TEXT.replace('  b:', '  c:'),
    TEXT.replace('path: /b', 'path: /c'),
    TEXT.replace('[GET, POST]', '[POST, GET]'),
    TEXT.replace('9080', '9081'),
    TEXT.replace(', token: token-0123456789abcdef', ''),
  ];
  for (const text of others) assert.notEqual(await hash(text), first, text);
  assert.notEqual(await hash(TEXT, 'y'), first);
});
