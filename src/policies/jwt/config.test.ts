import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jwtConfig } from './config.ts';

const issuer = 'https://login.example.com/';

test('an issuer and an audience are enough', () => {
  const config = jwtConfig.parse({ issuer, audience: 'shop' });
  assert.equal(config.issuers.length, 1);
  const [one] = config.issuers;
  assert.deepEqual([one!.issuer, one!.audience, one!.keys], [issuer, ['shop'], { kind: 'discovery', issuer }]);
  assert.deepEqual(one!.names, { subject: 'sub', groups: 'groups', scopes: ['scope', 'scp'], roles: ['roles'] });
  assert.equal(one!.algorithms.includes('RS256'), true);
  assert.equal(
    one!.algorithms.some((algorithm) => algorithm.startsWith('HS')),
    false,
  );
  assert.deepEqual([config.header, config.scheme, config.leewayMs, config.forward], ['authorization', 'Bearer', 30_000, true]);
});

test('with a secret, tokens have the algorithms of secrets and no others', () => {
  const { algorithms } = jwtConfig.parse({ issuer, audience: 'shop', secret: 's'.repeat(32) }).issuers[0]!;
  assert.deepEqual(algorithms, ['HS256', 'HS384', 'HS512']);
});

test('the scheme is Bearer in its own field, and none in others', () => {
  const placesOf = (places: object) => {
    const { header, scheme, query, cookie } = jwtConfig.parse({ issuer, audience: 'shop', ...places });
    return { header, scheme, query, cookie };
  };
  const none = { header: undefined, scheme: undefined, query: undefined, cookie: undefined };
  assert.deepEqual(placesOf({ header: 'X-Token' }), { ...none, header: 'x-token' });
  assert.deepEqual(placesOf({ header: 'authorization', scheme: 'JWT' }), { ...none, header: 'authorization', scheme: 'JWT' });
  assert.deepEqual(placesOf({ cookie: 'session' }), { ...none, cookie: 'session' });
});

test('Entra ID has an issuer for each version of tokens and for each tenant, and one name for both', () => {
  const tenant = '0AAAAAAA-1111-2222-3333-444444444444';
  const id = tenant.toLowerCase();
  const client = '99999999-8888-7777-6666-555555555555';
  const { issuers } = jwtConfig.parse({ provider: { entra: { tenant, audience: [client, 'api://shop'] } } });
  assert.deepEqual(
    issuers.map(({ issuer: name }) => name),
    [`https://login.microsoftonline.com/${id}/v2.0`, `https://sts.windows.net/${id}/`],
  );
  for (const one of issuers) {
    assert.equal(one.name, `https://login.microsoftonline.com/${id}/v2.0`);
    assert.deepEqual(one.audience, [client, `api://${client}`, 'api://shop']);
    assert.deepEqual(one.keys, { kind: 'url', url: `https://login.microsoftonline.com/${id}/discovery/v2.0/keys` });
    assert.deepEqual([one.names.subject, one.names.scopes, one.claims], ['oid', ['scp'], { tid: [id] }]);
  }
  const two = jwtConfig.parse({
    provider: { entra: { tenant: [tenant, client], audience: 'api://shop' } },
    claimNames: { subject: 'sub' },
  });
  assert.equal(two.issuers.length, 4);
  assert.equal(two.issuers[0]!.names.subject, 'sub');
});

test('Auth0, Keycloak, Cognito and Google are known', () => {
  const issuersOf = (provider: object) => jwtConfig.parse({ provider }).issuers;
  const [auth0] = issuersOf({ auth0: { domain: 'shop.eu.auth0.com', audience: 'https://api.example.com' } });
  assert.equal(auth0!.issuer, 'https://shop.eu.auth0.com/');
  const [keycloak] = issuersOf({
    keycloak: { url: 'https://sso.example.com/', realm: 'my shop', audience: 'api', client: 'web' },
  });
  assert.equal(keycloak!.issuer, 'https://sso.example.com/realms/my%20shop');
  assert.deepEqual([keycloak!.names.roles, keycloak!.claims], [['resource_access.web.roles'], { typ: ['Bearer'] }]);
  const [cognito] = issuersOf({ cognito: { pool: 'eu-central-1_AbCdEfGhI', clients: ['c1', 'c2'] } });
  assert.equal(cognito!.issuer, 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI');
  assert.deepEqual([cognito!.audience, cognito!.claims], [undefined, { token_use: ['access'], client_id: ['c1', 'c2'] }]);
  const google = issuersOf({ google: { audience: 'x.apps.googleusercontent.com', domains: 'example.com' } });
  assert.deepEqual(
    google.map(({ issuer: name, claims }) => [name, claims]),
    [
      ['https://accounts.google.com', { hd: ['example.com'] }],
      ['accounts.google.com', { hd: ['example.com'] }],
    ],
  );
});

test('what a provider asks of claims cannot be written away', () => {
  const provider = { cognito: { pool: 'eu-central-1_AbCdEfGhI', clients: 'c1' } };
  const { claims } = jwtConfig.parse({ provider, claims: { token_use: 'id', team: ['a', 'b'] } }).issuers[0]!;
  assert.deepEqual(claims, { token_use: ['access'], client_id: ['c1'], team: ['a', 'b'] });
});

test('several issuers have settings of their own', () => {
  const { issuers } = jwtConfig.parse({
    issuers: [
      { issuer, audience: 'shop', algorithms: ['ES256'] },
      { issuer: 'https://other.example.com', audience: ['a', 'b'], jwks: 'https://other.example.com/keys' },
      { provider: { google: { audience: 'x' } } },
    ],
  });
  assert.equal(issuers.length, 4);
  assert.deepEqual(issuers[1]!.keys, { kind: 'url', url: 'https://other.example.com/keys' });
});

test('refuses what would let the wrong tokens in, or none', () => {
  const publicKey = { kty: 'RSA', n: 'x', e: 'AQAB' };
  for (const config of [
    {},
    { audience: 'shop' },
    { issuer },
    { issuer: 'login.example.com', audience: 'shop' },
    { issuer: 'ftp://login.example.com', audience: 'shop' },
    { issuer: 'https://me:secret@login.example.com', audience: 'shop' },
    { issuer, audience: [] },
    { issuer, audience: 'shop', anyAudience: true },
    { issuer, audience: 'shop', anyAudience: false },
    { issuer, audience: 'shop', algorithms: ['none'] },
    { issuer, audience: 'shop', algorithms: [] },
    { issuer, audience: 'shop', algorithms: ['HS256'] },
    { issuer, audience: 'shop', secret: 's'.repeat(32), algorithms: ['RS256'] },
    { issuer, audience: 'shop', secret: 's'.repeat(31) },
    { issuer, audience: 'shop', secret: 's'.repeat(32), jwks: 'https://login.example.com/keys' },
    { issuer, audience: 'shop', jwks: { keys: [] } },
    { issuer, audience: 'shop', jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } },
    { issuer, audience: 'shop', jwks: { keys: [{ ...publicKey, d: 'x' }] } },
    { issuer, audience: 'shop', jwks: { file: '' } },
    { issuer, audience: 'shop', leeway: '6m' },
    { issuer, audience: 'shop', maxAge: '0s' },
    { issuer, audience: 'shop', cookie: 'a', scheme: 'Bearer' },
    { issuer, audience: 'shop', claimNames: { subject: '' } },
    { issuer, audience: 'shop', claims: { team: [] } },
    { issuer, audience: 'shop', issuers: [{ issuer, audience: 'shop' }] },
    { issuers: [] },
    {
      issuers: [
        { issuer, audience: 'shop' },
        { issuer, audience: 'other' },
      ],
    },
    { issuers: [{ issuer }] },
    { provider: {} },
    { provider: { google: { audience: 'x' }, auth0: { domain: 'a.example.com', audience: 'y' } } },
    { provider: { google: { audience: 'x' } }, issuer },
    { provider: { google: { audience: 'x' } }, algorithms: ['HS256'] },
    { provider: { entra: { tenant: 'common', audience: 'x' } } },
    { provider: { cognito: { pool: 'AbC', clients: 'x' } } },
    { provider: { okta: {} } },
  ])
    assert.equal(jwtConfig.safeParse(config).success, false, JSON.stringify(config));
  for (const config of [
    { issuer, anyAudience: true },
    { issuer: 'http://127.0.0.1:8080', audience: 'shop', jwks: { keys: [publicKey] } },
    { issuer, audience: 'shop', jwks: { file: './keys.json' }, ca: './ca.pem' },
  ])
    assert.equal(jwtConfig.safeParse(config).success, true, JSON.stringify(config));
});
