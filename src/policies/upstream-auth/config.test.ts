import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { upstreamAuthConfig } from './config.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const clientKey = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const publicKey = String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
const token = { tokenEndpoint: 'https://login.example.com/token', clientId: 'gate', clientSecret: 'hidden-secret' };
const { tokenEndpoint: _, ...client } = token;
const mint = { issuer: 'https://gate.example.com', audience: 'orders' };

test('takes one credential of each kind', () => {
  const kinds = [
    { token },
    {
      token: {
        ...client,
        issuer: 'https://login.example.com',
        clientAuthentication: 'post',
        scopes: ['a', 'b'],
        audience: 'orders',
        timeout: '1s',
      },
    },
    { token: { ...client, clientSecret: undefined, clientKey, keyId: 'k1', issuer: 'https://login.example.com' } },
    { basic: { username: 'gate', password: 'hidden:secret' } },
    { bearer: 'hidden-secret' },
    { header: 'X-API-Key', value: 'hidden-secret' },
    { mint },
  ].map((config) => upstreamAuthConfig.parse(config).kind);
  assert.deepEqual(kinds, ['token', 'token', 'token', 'basic', 'bearer', 'header', 'mint']);
});

test('a secret proves the gateway in the field unless another way is written, and a key by what it signs', () => {
  const proofOf = (more: object) => {
    const config = upstreamAuthConfig.parse({ token: { ...token, ...more } });
    return config.kind === 'token' && (config.proof.kind === 'key' ? 'key' : config.proof.way);
  };
  assert.equal(proofOf({}), 'basic');
  assert.equal(proofOf({ clientAuthentication: 'basic' }), 'basic');
  assert.equal(proofOf({ clientAuthentication: 'post' }), 'post');
  assert.equal(proofOf({ clientSecret: undefined, clientKey }), 'key');
  assert.equal(proofOf({ clientSecret: undefined, clientKey, clientAuthentication: 'private_key_jwt' }), 'key');
});

test('takes credentials by service', () => {
  const config = upstreamAuthConfig.parse({ services: { orders: { bearer: 'a' }, stock: { mint } } });
  assert.ok(config.kind === 'services');
  assert.deepEqual(
    Object.entries(config.credentials).map(([service, { kind }]) => [service, kind]),
    [
      ['orders', 'bearer'],
      ['stock', 'mint'],
    ],
  );
});

test('minted tokens count for a minute and stand in authorization, unless other settings are written', () => {
  assert.deepEqual(upstreamAuthConfig.parse({ mint }), {
    kind: 'mint',
    ...mint,
    ttl: 60_000,
    claims: {},
    header: 'authorization',
  });
});

test('refuses what is no credential, or more than one, and shows no secret', () => {
  for (const config of [
    {},
    { bearer: '' },
    { bearer: 'hidden\r\nx-evil: 1' },
    { bearer: ' hidden' },
    { bearer: 'hidden', basic: { username: 'a', password: 'hidden' } },
    { header: 'x-api-key' },
    { value: 'hidden' },
    { header: 'connection', value: 'hidden' },
    { header: 'x-api-key', value: 'hidden\n' },
    { header: 'x-api-key', value: 'hidden', bearer: 'hidden' },
    { basic: { username: 'a:b', password: 'hidden' } },
    { basic: { username: 'a' } },
    { services: {} },
    { services: { orders: {} } },
    { services: { orders: { bearer: 'hidden' } }, bearer: 'hidden' },
    { services: { orders: { services: { orders: { bearer: 'hidden' } } } } },
    { token: client },
    { token: { ...token, issuer: 'https://login.example.com' } },
    { token: { ...token, tokenEndpoint: 'https://gate:hidden@login.example.com/token' } },
    { token: { ...token, tokenEndpoint: 'login.example.com' } },
    { token: { ...token, clientSecret: undefined } },
    { token: { ...token, clientSecret: 'hidden\n' } },
    { token: { ...token, clientSecret: 'hiddän' } },
    { token: { ...token, clientKey } },
    { token: { ...token, clientAuthentication: 'private_key_jwt' } },
    { token: { ...token, clientAuthentication: 'none' } },
    { token: { ...token, keyId: 'hidden' } },
    { token: { ...token, clientSecret: undefined, clientKey: publicKey } },
    { token: { ...token, clientSecret: undefined, clientKey, clientAuthentication: 'post' } },
    { token: { ...token, timeout: '1m' } },
    { token: { ...token, ca: '-----BEGIN CERTIFICATE-----\nhidden' } },
    { token: { ...token, scopes: [] } },
    { token: { ...token, scopes: ['a b'] } },
    { token: { ...token, scopes: ['a\nb'] } },
    { mint: { issuer: 'a' } },
    { mint: { ...mint, ttl: '1s' } },
    { mint: { ...mint, claims: { sub: 'somebody' } } },
    { mint: { ...mint, claims: { team: '${nothing}' } } },
    { mint: { ...mint, header: 'host' } },
    { mint: { ...mint, claims: Object.fromEntries(Array.from({ length: 33 }, (_value, i) => [`c${i}`, 'x'])) } },
  ]) {
    const { success, error } = upstreamAuthConfig.safeParse(config);
    assert.equal(success, false, JSON.stringify(config));
    const messages = error!.issues.map(({ message }) => message).join('\n');
    assert.equal(/hidden|PRIVATE|PUBLIC/.test(messages), false, messages);
  }
});
