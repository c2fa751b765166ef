import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oidcConfig } from './config.ts';

const least = { issuer: 'https://login.example.com', clientId: 'shop', secret: 'a secret that is long enough for cookies' };

test('an issuer, a client and a secret are enough', () => {
  const config = oidcConfig.parse(least);
  assert.deepEqual(config.scopes, ['openid', 'profile', 'email']);
  assert.equal(config.callbackPath, '/oauth2/callback');
  assert.equal(config.unauthenticated, 'auto');
  assert.deepEqual(config.session, { store: 'cookie', idle: 3_600_000, absolute: 43_200_000 });
  assert.equal(config.secret.length, 1);
  assert.equal(oidcConfig.parse({ ...least, secret: [least.secret, `${least.secret}, and older`] }).secret.length, 2);
});

const refused: Readonly<Record<string, object>> = {
  'an issuer without TLS elsewhere': { issuer: 'http://login.example.com' },
  'an issuer with a query': { issuer: 'https://login.example.com/?a=1' },
  'no URL': { issuer: 'login.example.com' },
  'a short secret': { secret: 'x'.repeat(31) },
  'too many secrets': { secret: Array.from({ length: 5 }, () => least.secret) },
  'scopes without openid': { scopes: ['email'] },
  'two scopes as one': { scopes: ['openid email'] },
  'a path with a query': { callbackPath: '/callback?a=1' },
  'a path with two slashes': { callbackPath: '//evil.example' },
  'a path that leads up': { callbackPath: '/a/../b' },
  'the same path twice': { loginPath: '/oauth2/callback' },
  'a path that gets no cookie': { cookie: { path: '/shop' } },
  'a parameter of the login itself': { parameters: { state: 'x' } },
  'an anonymous consumer whom nobody lets pass': { anonymous: 'guest' },
  'a cookie with a prefix': { cookie: { name: '__Host-x' } },
  'a cookie with a dot': { cookie: { name: 'a.b' } },
  'cookies for other sites without TLS': { cookie: { sameSite: 'none', secure: false } },
  'a strict cookie': { cookie: { sameSite: 'strict' } },
  'a place after logout that is not safe': { afterLogout: 'http://example.com/' },
  'a place after logout at another host': { afterLogout: '//example.com/' },
  'an origin with a path': { origin: 'https://shop.example.com/' },
  'a session that is too short': { session: { idle: '10s' } },
};

for (const [what, settings] of Object.entries(refused)) {
  test(`refuses ${what}`, () => assert.equal(oidcConfig.safeParse({ ...least, ...settings }).success, false));
}

const taken: Readonly<Record<string, object>> = {
  'an issuer on this machine': { issuer: 'http://localhost:8080/realms/shop' },
  'a short path': { callbackPath: '/cb' },
  'a cookie for a domain': { cookie: { domain: 'example.com', path: '/oauth2' } },
  'a parameter of the provider': { parameters: { prompt: 'select_account' } },
  'an anonymous consumer who passes': { anonymous: 'guest', unauthenticated: 'pass' },
  'a page elsewhere after logout': { afterLogout: 'https://example.com/bye' },
  'an origin': { origin: 'https://shop.example.com:8443' },
};

for (const [what, settings] of Object.entries(taken)) {
  test(`takes ${what}`, () => assert.equal(oidcConfig.safeParse({ ...least, ...settings }).success, true));
}

test('shows no secret', () => {
  const config = oidcConfig.parse({ ...least, clientSecret: 'of the client' });
  assert.ok(!JSON.stringify(config).includes('secret that'));
  assert.ok(!JSON.stringify(config).includes('of the client'));
});
