import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose';
import { readPublicJwk, readSigningKey } from './signing-key.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const keys = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
};

for (const [algorithm, privateKey] of Object.entries(keys)) {
  test(`signs what others verify, with ${algorithm}`, async () => {
    const key = readSigningKey(String(privateKey.export(pem)))!;
    const token = key.sign({ sub: 'älice', exp: 4_102_444_800 });
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK({ ...key.jwk }));
    assert.equal(payload.sub, 'älice');
    assert.deepEqual(protectedHeader, { alg: algorithm, typ: 'JWT', kid: await calculateJwkThumbprint({ ...key.jwk }) });
    const named = await jwtVerify(key.sign({}, 'theirs'), await importJWK({ ...key.jwk }));
    assert.equal(named.protectedHeader.kid, 'theirs');
  });

  test(`the public half of a key says nothing of the private one, with ${algorithm}`, () => {
    const text = String(privateKey.export(pem));
    const publicText = String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
    const jwk = readPublicJwk(text);
    assert.deepEqual(readPublicJwk(publicText), jwk);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(jwk?.[member], undefined);
    assert.equal(readSigningKey(publicText), undefined);
    assert.deepEqual(Object.keys(readSigningKey(text) ?? {}), ['jwk']);
  });
}

test('reads no keys that sign no tokens', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey;
  const { privateKey: exchanging } = generateKeyPairSync('x25519');
  const locked = String(keys.ES256.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'secret' }));
  for (const text of ['', 'key', locked, ...[privateKey, short, exchanging].map((each) => String(each.export(pem)))])
    assert.equal(readSigningKey(text), undefined);
});

test('a token that was changed is not verified', () => {
  const key = readSigningKey(String(keys.EdDSA.export(pem)))!;
  const [head, , signature] = key.sign({ sub: 'alice' }).split('.');
  const forged = Buffer.from(JSON.stringify({ sub: 'bob' })).toString('base64url');
  assert.equal(
    verify(null, Buffer.from(`${head}.${forged}`), createPublicKey(keys.EdDSA), Buffer.from(signature!, 'base64url')),
    false,
  );
});
