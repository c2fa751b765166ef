import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runAtOnce } from '#base/slices.ts';
import { policyOrder } from '#policies/registry.ts';
import { createConfigurationSchema } from './configuration-schema.ts';
import { HiddenSecrets } from './hidden-secrets.ts';
import { loadPolicyConfigs } from './policies/policy-blocks.ts';

const hidden = new HiddenSecrets(createConfigurationSchema(await loadPolicyConfigs(policyOrder)));

const hide = (text: string, value: unknown) => runAtOnce(hidden.hideInText(text, value));

const PEM = `-----BEGIN PRIVATE KEY-----
      MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
      -----END PRIVATE KEY-----`;

const TEXT = `version: 1 # the key of alice was key-0123456789-abcdefgh
listeners: { web: { address: ":8080" } }
admin:
  address: "127.0.0.1:9080"
  token: token-0123456789-abcdefgh
  tokens: { bob: { role: read, token: &bob "bobs-0123456789-abcdefgh" } }
consumers:
  alice:
    keys: [key-0123456789-abcdefgh, { key: "other-0123456789-abcdef" }, "\${env:ALICE_KEY}"]
    password: >
      correct horse
      battery staple
    hmacKeys:
      - id: warehouse
        secret: 'hmac-0123456789-abcdefghijklmnopqrstuvwxyz'
tokenKeys:
  current: |
      ${PEM}
stores: { redis: { url: "redis://127.0.0.1", password: redis-pw } }
accessLog: { to: [{ kafka: { brokers: [a:1], topic: a, sasl: { mechanism: plain, username: a, password: kafka-pw } } }] }
services:
  orders:
    endpoints: [http://10.0.0.1:80]
    affinity: { cookie: a, secret: "sticky-0123456789-abcdefghijklmnop" }
policies:
  headers: { request: { set: { authorization: "Bearer plain-0123456789", x-zone: "eu", x-api-key: "\${env:KEY:-default-0123}" } } }
  upstream-auth: { bearer: "\${file:/run/secrets/token}" }
routes:
  orders:
    match: { path: /* }
    to: orders
    policies:
      jwt: { issuer: "https://login.example.com/", audience: shop, secret: "jwt-0123456789-abcdefghijklmnopqrstuvwx" }
      upstream-auth: { basic: { username: shop, password: shop-password-123 } }
`;

const SECRETS = [/0123/, /battery/, /MIGHA/, /redis-pw/, /kafka-pw/, /shop-password/];

test('no secret is left in a text, and everything else is as it was', () => {
  const shown = hide(TEXT, parse(TEXT));
  for (const secret of SECRETS) assert.doesNotMatch(shown, secret);
  assert.match(shown, /the key of alice was \*\*\*\n/);
  assert.match(shown, /"\$\{env:ALICE_KEY\}"/);
  assert.match(shown, /bearer: "\$\{file:\/run\/secrets\/token\}"/);
  assert.match(shown, /x-zone: "eu"/);
  assert.equal(shown.split('\n').length, TEXT.split('\n').length - 5);
  assert.equal(parse(shown).consumers.alice.password, '***');
  assert.equal(parse(shown).tokenKeys.current, '***');
  assert.deepEqual(parse(shown), hidden.hideInValue(parse(TEXT)));
});

test('what was hidden is put back from another configuration, place by place', () => {
  const shown = hide(TEXT, parse(TEXT)).replace('x-zone: "eu"', 'x-zone: "us"');
  const { text, missing } = hidden.restoreInText(shown, { text: TEXT, value: parse(TEXT) });
  assert.deepEqual(missing, []);
  assert.match(text, /secret: 'hmac-0123456789-abcdefghijklmnopqrstuvwxyz'\n/);
  assert.deepEqual(parse(text), parse(TEXT.replace('x-zone: "eu"', 'x-zone: "us"')));
  const renamed = shown.replace('  alice:', '  alicia:');
  assert.deepEqual(
    hidden.restoreInText(renamed, { text: undefined, value: parse(TEXT) }).missing.map((path) => path.join('.')),
    ['consumers.alicia.keys.0', 'consumers.alicia.keys.1.key', 'consumers.alicia.password', 'consumers.alicia.hmacKeys.0.secret'],
  );
});

test('a text without secrets is not even read', () => {
  assert.equal(hide('version: 1 # {', { version: 1 }), 'version: 1 # {');
});
