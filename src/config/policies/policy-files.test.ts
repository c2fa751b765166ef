import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { findPolicyFiles, resolvePolicyFiles } from './policy-files.ts';

const reading = [{ name: 'jwt', fileSettings: ['issuers', 'ca'] }, { name: 'other' }];
const blocks = {
  jwt: {
    issuers: [
      { keys: { kind: 'file', file: 'keys.json', form: 'key-set' }, secret: new Secret('file') },
      { ca: { file: '/etc/ca.pem' } },
    ],
    ca: undefined,
    elsewhere: { file: 'not-read' },
  },
  other: { file: { file: 'not-read' } },
};

test('finds files at any depth of the settings that are named, wherever policies stand', () => {
  const found = findPolicyFiles(
    { policies: blocks, listeners: { web: { policies: blocks } }, routes: { all: { policies: { jwt: false } } } } as never,
    reading,
  );
  assert.deepEqual(found, [
    { path: 'keys.json', form: 'key-set', at: ['policies', 'jwt'] },
    { path: '/etc/ca.pem', form: undefined, at: ['policies', 'jwt'] },
    { path: 'keys.json', form: 'key-set', at: ['listeners', 'web', 'policies', 'jwt'] },
    { path: '/etc/ca.pem', form: undefined, at: ['listeners', 'web', 'policies', 'jwt'] },
  ]);
});

test('paths count from the folder of the configuration, and nothing else is changed', () => {
  const resolved = resolvePolicyFiles(blocks, '/etc/gatehouse', reading);
  assert.deepEqual(resolved, {
    jwt: {
      issuers: [
        { keys: { kind: 'file', file: '/etc/gatehouse/keys.json', form: 'key-set' }, secret: blocks.jwt.issuers[0]!.secret },
        { ca: { file: '/etc/ca.pem' } },
      ],
      ca: undefined,
      elsewhere: { file: 'not-read' },
    },
    other: blocks.other,
  });
  assert.deepEqual(resolvePolicyFiles({ jwt: false }, '/etc', reading), { jwt: false });
});
