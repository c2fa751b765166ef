import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { signingKey, verificationKey } from './token-key.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const privateText = String(privateKey.export(pem));
const publicText = String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));

test('takes keys of the kinds that are asked for, and keeps them secret', () => {
  const key = signingKey(['ES256'], 'A key.').parse(privateText);
  assert.equal(key.reveal(), privateText);
  assert.equal(JSON.stringify(key), '"[redacted]"');
  assert.equal(verificationKey(['ES256'], 'A key.').parse(publicText).reveal(), publicText);
  assert.equal(verificationKey(['ES256'], 'A key.').parse(privateText).reveal(), privateText);
});

test('says what would be right, and nothing of what was written', () => {
  for (const [schema, text] of [
    [signingKey(['ES256', 'EdDSA'], 'A key.'), publicText],
    [signingKey(['EdDSA'], 'A key.'), privateText],
    [verificationKey(['ES256'], 'A key.'), 'a-secret-of-somebody-else'],
  ] as const) {
    const { error } = schema.safeParse(text);
    assert.match(error!.issues[0]!.message, /^this is not a (?:public or )?private key that can be used here; write an /);
    assert.equal(JSON.stringify(error!.issues.map(({ message }) => message)).includes(text.slice(0, 12)), false);
  }
});
