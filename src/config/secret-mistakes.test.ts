/** Mistakes in secrets, and secrets in wrong places: what is said of them is in logs and in the output of `gatehouse check`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { loadConfigurationText } from './load.ts';

const TEXT = 'SeCrEt-0123456789-abcdef';
const SHORT = 'SeCrEt';
/** Without quotes, YAML makes a number of it. */
const NUMBER = 987_654_321_012_345;
const SHOWN = new RegExp(`${SHORT}|${NUMBER}`);

const consumer = (settings: object) => ({ consumers: { alice: settings } });
const policy = (name: string, settings: unknown) => ({ policies: { [name]: settings } });
const kafka = (settings: object) => ({ accessLog: { to: { kafka: { brokers: ['a:1'], topic: 'a', ...settings } } } });
const jwt = { issuer: 'https://login.example.com', audience: 'shop' };
const introspection = { endpoint: 'https://login.example.com', clientId: 'a', clientSecret: 'b' };

const mistakes: Readonly<Record<string, object>> = {
  'a key in the place of its hash': consumer({ keys: [{ sha256: TEXT }] }),
  'a key and its hash, mixed up': consumer({ keys: [{ key: TEXT, sha256: TEXT }] }),
  'a short key': consumer({ keys: [SHORT] }),
  'a key with a space': consumer({ keys: [`${TEXT} x`] }),
  'a key that is a number': consumer({ keys: [NUMBER] }),
  'a key in a list of its own': consumer({ keys: [[TEXT]] }),
  'a key without its list': consumer({ keys: TEXT }),
  'a key in a map that is a number': consumer({ keys: [{ key: NUMBER }] }),
  'a password that is a number': consumer({ password: NUMBER }),
  'a password with an end of a line': consumer({ password: `${TEXT}\n` }),
  'a broken hash of a password': consumer({ password: `$scrypt$${TEXT}` }),
  'a secret to sign with that is a number': consumer({ hmacKeys: [{ id: 'a', secret: NUMBER }] }),
  'a secret to sign with without its map': consumer({ hmacKeys: [TEXT] }),
  'a secret to sign with that is no base64': consumer({ hmacKeys: [{ id: 'a', secret: `${TEXT}!`, encoding: 'base64' }] }),
  'a bearer token that is a number': policy('upstream-auth', { bearer: NUMBER }),
  'a bearer token with an end of a line': policy('upstream-auth', { bearer: `${TEXT}\r\nx: y` }),
  'a bearer token without its map': policy('upstream-auth', TEXT),
  'a password without its user': policy('upstream-auth', { basic: TEXT }),
  'a value of a field that is a number': policy('upstream-auth', { header: 'x-key', value: NUMBER }),
  'a secret of tokens that is a number': policy('jwt', { ...jwt, secret: NUMBER }),
  'a short secret of tokens': policy('jwt', { ...jwt, secret: SHORT }),
  'an issuer with a password': policy('jwt', { ...jwt, issuer: `https://a:${TEXT}@login.example.com` }),
  'a secret of a login that is a number': policy('oidc', { ...jwt, clientId: 'a', clientSecret: NUMBER, secret: NUMBER }),
  'a short secret of a login': policy('oidc', { ...jwt, clientId: 'a', clientSecret: 'a', secret: [SHORT, NUMBER] }),
  'a secret of a client that is a number': policy('introspection', { ...introspection, clientSecret: NUMBER }),
  'an endpoint with a password': policy('introspection', { ...introspection, endpoint: `https://a:${TEXT}@b/` }),
  'a store without its map': { stores: { redis: `redis://a:${TEXT}@b` } },
  'a store with another password than its own': { stores: { redis: { url: `redis://a:${TEXT}@b/c/d` } } },
  'a store whose address is none': { stores: { redis: { url: `redis//a:${TEXT}@b` } } },
  'a login of Kafka without its map': kafka({ sasl: TEXT }),
  'a password of Kafka that is a number': kafka({ sasl: { mechanism: 'plain', username: 'a', password: NUMBER } }),
  'a password of Kafka in the address of a broker': kafka({ brokers: [`a:${TEXT}@b:1`] }),
  'a key that signs without its map': { tokenKeys: TEXT },
  'a key that signs and is none': { tokenKeys: { current: TEXT } },
  'a token of the admin API that is a number': { admin: { address: '127.0.0.1:0', token: NUMBER } },
  'a short token of the admin API': { admin: { address: '127.0.0.1:0', token: SHORT } },
};

for (const [mistake, settings] of Object.entries(mistakes)) {
  test(`what is said of ${mistake} shows nothing of it`, async () => {
    const configuration = {
      version: 1,
      listeners: { web: { address: '127.0.0.1:0' } },
      routes: { all: { match: { path: '/*' }, to: { respond: { text: 'a' } } } },
      ...settings,
    };
    const { issues } = await loadConfigurationText(JSON.stringify(configuration), '/etc/gatehouse.yaml', {
      policies: policyOrder,
      env: {},
    });
    assert.ok(issues.length > 0);
    assert.doesNotMatch(JSON.stringify(issues), SHOWN);
  });
}
