/** Each rule with a configuration in which it finds something, and with the same one mended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { makeAudit } from './audit.ts';
import { auditRules } from './rules.ts';

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789';
const env = { KEY };

/** Sections in the place of those of a configuration in which nothing is weak. */
type Sections = Readonly<Record<string, string>>;

interface Case {
  readonly id: string;
  /** What they have in common. */
  readonly both?: Sections;
  readonly weak: Sections;
  readonly mended: Sections;
  /** Where the finding is, and how many there are of it. */
  readonly at: string;
}

const tls = 'tls: { certificates: [{ cert: a.pem, key: a.key }] }';
const sound: Sections = {
  version: '1',
  listeners: `{ web: { address: ":443", maxConnectionsPerClient: 100, ${tls} } }`,
  services: '{ shop: { endpoints: [https://shop.example] } }',
  routes: '{ shop: { match: { path: /* }, to: shop } }',
  policies: '{ hsts: {}, api-key: {}, rate-limit: { limit: 10/second }, request-size: { body: 1MiB } }',
};
const withPolicies = (more: string) => ({ policies: `${sound['policies']!.slice(0, -2)}, ${more} }` });
const openPolicies = (more: string) => ({ policies: `{ hsts: {}, request-size: { body: 1MiB }, ${more} }` });
const listener = (more: string) => ({ listeners: `{ web: { address: ":443", ${more} } }` });
const reading = { routes: '{ shop: { match: { path: /*, method: GET }, to: shop } }' };
const inClear = { services: '{ shop: { endpoints: [http://shop.example] } }' };
const local = { services: '{ shop: { endpoints: [http://127.0.0.1:3000, http+unix:///run/shop.sock] } }' };
const kafka = (more: string) => ({
  accessLog: `{ to: [{ kafka: { topic: logs, sasl: { mechanism: plain, username: gate, password: "\${env:KEY}" }, ${more} } }] }`,
});
const token = 'token: "${env:KEY}"';
const jwt = (more: string) => withPolicies(`jwt: { issuer: https://login.example, ${more} }`);
const oidc = (cookie: string) =>
  withPolicies(
    `oidc: { issuer: https://login.example, clientId: shop, clientSecret: "\${env:KEY}", secret: "\${env:KEY}", cookie: { ${cookie} } }`,
  );

const cases: readonly Case[] = [
  {
    id: 'secret-in-text',
    weak: { consumers: `{ alice: { keys: [{ key: ${KEY}, expires: 2099-01-01 }] } }` },
    mended: { consumers: '{ alice: { keys: [{ key: "${env:KEY}", expires: 2099-01-01 }] } }' },
    at: 'consumers.alice.keys[0].key',
  },
  {
    id: 'admin-in-clear',
    weak: { admin: `{ address: ":9080", ${token}, protectMetrics: true, audit: { file: audit.log } }` },
    mended: { admin: `{ address: "127.0.0.1:9080", ${token} }` },
    at: 'admin.address',
  },
  {
    id: 'admin-apply-without-token',
    weak: { admin: '{ address: "127.0.0.1:9080", apply: true }' },
    mended: { admin: `{ address: "127.0.0.1:9080", apply: true, ${token} }` },
    at: 'admin.apply',
  },
  {
    id: 'admin-metrics-open',
    weak: { admin: '{ address: ":9080" }' },
    mended: { admin: '{ address: "unix:/run/admin.sock" }' },
    at: 'admin.address',
  },
  {
    id: 'admin-no-audit-file',
    weak: { admin: `{ address: ":9080", protectMetrics: true, ${token}, tls: { cert: a.pem, key: a.key } }` },
    mended: {
      admin: `{ address: ":9080", protectMetrics: true, ${token}, tls: { cert: a.pem, key: a.key }, audit: { file: audit.log } }`,
    },
    at: 'admin',
  },
  {
    id: 'forgeable-address',
    weak: listener(`${tls}, trustedProxies: [10.0.0.0/8, "0.0.0.0/1"]`),
    mended: listener(`${tls}, trustedProxies: [10.0.0.0/8, "fd00::/16"]`),
    at: 'listeners.web.trustedProxies[1]',
  },
  {
    id: 'forgeable-address',
    weak: listener(`${tls}, proxyProtocol: { from: ["::/0"] }`),
    mended: listener(`${tls}, proxyProtocol: { from: [192.0.2.7] }`),
    at: 'listeners.web.proxyProtocol.from[0]',
  },
  {
    id: 'credentials-in-clear',
    weak: listener('maxConnectionsPerClient: 9'),
    mended: listener('trustedProxies: [192.0.2.7]'),
    at: 'listeners.web',
  },
  {
    id: 'plain-http',
    both: { ...listener('maxConnectionsPerClient: 9') },
    weak: openPolicies('ip: { allow: [192.0.2.7] }, rate-limit: { limit: 1/second }'),
    mended: openPolicies('https-redirect: {}, ip: { allow: [192.0.2.7] }, rate-limit: { limit: 1/second }'),
    at: 'listeners.web',
  },
  {
    id: 'no-hsts',
    weak: { policies: sound['policies']!.replace('hsts: {}', 'hsts: { maxAgeDays: 0 }') },
    mended: {},
    at: 'listeners.web',
  },
  {
    id: 'unused-client-certificate',
    both: listener(
      'maxConnectionsPerClient: 9, tls: { certificates: [{ cert: a.pem, key: a.key }], clientCertificates: { mode: optional, ca: ca.pem } }',
    ),
    weak: {},
    mended: withPolicies('client-certificate: {}, csrf: {}'),
    at: 'listeners.web.tls.clientCertificates',
  },
  {
    id: 'no-client-connection-limit',
    weak: listener(tls),
    mended: listener(`${tls}, maxConnectionsPerClient: 9`),
    at: 'listeners.web',
  },
  {
    id: 'open-writes',
    both: { consumers: '{ guest: {} }' },
    weak: openPolicies('api-key: { anonymous: guest }, rate-limit: { limit: 1/second }'),
    mended: openPolicies('forward-auth: { service: shop }, rate-limit: { limit: 1/second }'),
    at: 'routes.shop',
  },
  {
    id: 'open-writes',
    weak: openPolicies('ip: { deny: [192.0.2.7] }, rate-limit: { limit: 1/second }'),
    mended: {
      ...openPolicies('rate-limit: { limit: 1/second }'),
      routes: '{ shop: { match: { path: /*, clientIp: 192.0.2.7 }, to: shop } }',
    },
    at: 'routes.shop',
  },
  {
    id: 'open-writes',
    both: listener('trustedProxies: [192.0.2.7]'),
    weak: openPolicies('https-redirect: {}, rate-limit: { limit: 1/second }'),
    mended: withPolicies('https-redirect: {}'),
    at: 'routes.shop',
  },
  {
    id: 'open-writes',
    weak: openPolicies('ip: { allow: [0.0.0.0/0, "::/0"] }, rate-limit: { limit: 1/second }'),
    mended: openPolicies('ip: { allow: [10.0.0.0/8, "fd00::/16"] }, rate-limit: { limit: 1/second }'),
    at: 'routes.shop',
  },
  {
    id: 'open-writes',
    both: { geo: '{ database: countries.mmdb }' },
    weak: openPolicies('ip: { allow: ["::/0"], countries: { allow: [CH] } }, rate-limit: { limit: 1/second }'),
    mended: openPolicies('ip: { countries: { allow: [CH] } }, rate-limit: { limit: 1/second }'),
    at: 'routes.shop',
  },
  {
    id: 'open-writes',
    both: openPolicies('rate-limit: { limit: 1/second }'),
    weak: { routes: '{ shop: { match: { path: /*, clientIp: [10.0.0.0/8, "::ffff:0.0.0.0/96"] }, to: shop } }' },
    mended: { routes: '{ shop: { match: { path: /*, clientIp: [10.0.0.0/8] }, to: shop } }' },
    at: 'routes.shop',
  },
  {
    id: 'open-route',
    both: { ...reading },
    weak: openPolicies('rate-limit: { limit: 1/second }'),
    mended: openPolicies('ip: { allow: [192.0.2.7] }, rate-limit: { limit: 1/second }'),
    at: 'routes.shop',
  },
  {
    id: 'only-watching',
    weak: withPolicies('csrf: { mode: report }'),
    mended: withPolicies('csrf: {}'),
    at: 'policies.csrf.mode',
  },
  {
    id: 'decision-fails-open',
    weak: withPolicies('opa: { service: shop, path: /v1/data/x, onFailure: allow }'),
    mended: withPolicies('opa: { service: shop, path: /v1/data/x }'),
    at: 'policies.opa.onFailure',
  },
  { id: 'any-audience', weak: jwt('anyAudience: true'), mended: jwt('audience: shop'), at: 'policies.jwt' },
  {
    id: 'endless-token',
    weak: jwt('audience: shop, requireExpiry: false'),
    mended: jwt('audience: shop, requireExpiry: false, maxAge: 1h'),
    at: 'policies.jwt.requireExpiry',
  },
  {
    id: 'issuer-in-clear',
    weak: jwt('audience: shop, jwks: "http://login.example/keys"'),
    mended: jwt('audience: shop, jwks: "http://127.0.0.1:3000/keys"'),
    at: 'policies.jwt',
  },
  {
    id: 'issuer-in-clear',
    weak: withPolicies('introspection: { endpoint: "http://login.example/", clientId: x, clientSecret: "${env:KEY}" }'),
    mended: withPolicies('introspection: { endpoint: "https://login.example/", clientId: x, clientSecret: "${env:KEY}" }'),
    at: 'policies.introspection',
  },
  {
    id: 'issuer-in-clear',
    weak: withPolicies(
      'upstream-auth: { token: { tokenEndpoint: "http://a.example/", clientId: x, clientSecret: "${env:KEY}" } }',
    ),
    mended: withPolicies('upstream-auth: { token: { issuer: "https://a.example/", clientId: x, clientSecret: "${env:KEY}" } }'),
    at: 'policies.upstream-auth',
  },
  {
    id: 'credential-in-query',
    weak: {
      policies: sound['policies']!.replace(
        'api-key: {}',
        'csrf: {}, any-of: { methods: [{ basic-auth: {} }, { api-key: { query: key } }] }',
      ),
    },
    mended: {
      policies: sound['policies']!.replace('api-key: {}', 'csrf: {}, any-of: { methods: [{ basic-auth: {} }, { api-key: {} }] }'),
    },
    at: 'policies.any-of.methods[1].api-key.query',
  },
  {
    id: 'endless-key',
    weak: { consumers: '{ alice: { keys: ["${env:KEY}"] } }' },
    mended: { consumers: '{ alice: { keys: [{ key: "${env:KEY}", expires: 2099-01-01 }] } }' },
    at: 'consumers.alice.keys',
  },
  {
    id: 'evadable-limit',
    both: { audit: '{ accept: { open-writes: public } }' },
    weak: openPolicies('rate-limit: { limit: 1/second, by: [ip, header.x-user] }'),
    mended: openPolicies('rate-limit: { limit: 1/second, by: [ip, route] }'),
    at: 'policies.rate-limit.by',
  },
  {
    id: 'evadable-limit',
    weak: openPolicies('ip: { allow: [10.0.0.0/8] }, rate-limit: { limit: 1/second, by: header.x-a }'),
    mended: openPolicies('forward-auth: { service: shop }, rate-limit: { limit: 1/second, by: header.x-a }'),
    at: 'policies.rate-limit.by',
  },
  {
    id: 'evadable-limit',
    both: { consumers: '{ guest: {} }' },
    weak: openPolicies(
      'api-key: { anonymous: guest }, authorize: { consumers: [guest] }, rate-limit: { limit: 1/second, by: header.x-a }',
    ),
    mended: openPolicies('api-key: {}, authorize: { consumers: [guest] }, rate-limit: { limit: 1/second, by: header.x-a }'),
    at: 'policies.rate-limit.by',
  },
  {
    id: 'limit-fails-open',
    both: { stores: '{ redis: { url: "rediss://redis.example" } }' },
    weak: { policies: sound['policies']!.replace('10/second', '10/second, store: redis, onFailure: allow') },
    mended: { policies: sound['policies']!.replace('10/second', '10/second, store: redis, onFailure: refuse') },
    at: 'policies.rate-limit.onFailure',
  },
  {
    id: 'no-rate-limit',
    weak: { routes: '{ shop: { match: { path: /* }, policies: { rate-limit: false }, to: shop } }' },
    mended: {
      routes: '{ shop: { match: { path: /* }, policies: { rate-limit: false, quota: { limit: 9/day } }, to: shop } }',
    },
    at: 'routes.shop',
  },
  {
    id: 'no-body-limit',
    weak: { policies: sound['policies']!.replace('body: 1MiB', 'url: 1KiB') },
    mended: { policies: sound['policies']!.replace('body: 1MiB', 'body: 1GiB') },
    at: 'routes.shop',
  },
  {
    id: 'open-redirect',
    weak: { routes: '{ away: { match: { path: "/:to" }, to: { redirect: { host: "${path.to}" } } } }' },
    mended: { routes: '{ away: { match: { path: "/:to" }, to: { redirect: { host: "${path.to}.example.com" } } } }' },
    at: 'routes.away.to.redirect.host',
  },
  ...['${path.to}example.com', '${path.to}.com', '${path.to}.com.', 'www.${path.to}', 'a.${path.to}.${path.to}'].map((host) => ({
    id: 'open-redirect',
    weak: { routes: `{ away: { match: { path: "/:to" }, to: { redirect: { host: "${host}" } } } }` },
    mended: { routes: '{ away: { match: { path: "/:to" }, to: { redirect: { host: "${path.to}.${host}" } } } }' },
    at: 'routes.away.to.redirect.host',
  })),
  ...['basic-auth', 'client-certificate'].map((name) => ({
    id: 'no-csrf',
    both: listener(
      'maxConnectionsPerClient: 9, tls: { certificates: [{ cert: a.pem, key: a.key }], clientCertificates: { mode: required, ca: ca.pem } }',
    ),
    weak: withPolicies(`${name}: {}`),
    mended: withPolicies(`${name}: {}, csrf: {}`),
    at: `policies.${name}`,
  })),
  { id: 'no-csrf', weak: oidc('sameSite: none'), mended: oidc('sameSite: lax'), at: 'policies.oidc' },
  {
    id: 'no-csrf',
    weak: { policies: sound['policies']!.replace('api-key: {}', 'api-key: { cookie: key }') },
    mended: { policies: sound['policies']!.replace('api-key: {}', 'api-key: { cookie: key }, csrf: {}') },
    at: 'policies.api-key',
  },
  { id: 'insecure-cookie', weak: oidc('secure: false'), mended: oidc('secure: true'), at: 'policies.oidc.cookie' },
  {
    id: 'cors-behind-fence',
    weak: openPolicies('ip: { allow: [10.0.0.0/8] }, cors: { origins: "*" }, rate-limit: { limit: 1/second }'),
    mended: openPolicies('ip: { allow: [10.0.0.0/8] }, cors: { origins: [https://a.example] }, rate-limit: { limit: 1/second }'),
    at: 'policies.cors.origins',
  },
  {
    id: 'unverified-service',
    weak: { services: '{ shop: { endpoints: [https://shop.example], tls: { verify: dangerously-off } } }' },
    mended: { services: '{ shop: { endpoints: [https://shop.example], tls: { ca: ca.pem } } }' },
    at: 'services.shop.tls.verify',
  },
  {
    id: 'upstream-credential-in-clear',
    both: withPolicies('upstream-auth: { bearer: "${env:KEY}" }'),
    weak: inClear,
    mended: local,
    at: 'policies.upstream-auth',
  },
  {
    id: 'log-password-in-clear',
    weak: kafka('brokers: [127.0.0.1:9092, kafka.example:9092]'),
    mended: kafka('brokers: [127.0.0.1:9092, kafka.example:9092], tls: true'),
    at: 'accessLog.to[0].kafka.sasl',
  },
  {
    id: 'forwarded-credential-in-clear',
    both: jwt('audience: shop'),
    weak: inClear,
    mended: local,
    at: 'policies.jwt',
  },
  {
    id: 'forwarded-credential-in-clear',
    both: {
      ...jwt('audience: shop'),
      routes: '{ shop: { match: { path: /* }, to: { service: shop, fallback: { service: other } } } }',
    },
    weak: { services: '{ shop: { endpoints: [https://shop.example] }, other: { endpoints: [http://other.example] } }' },
    mended: { services: '{ shop: { endpoints: [https://shop.example] }, other: { endpoints: [https://other.example] } }' },
    at: 'policies.jwt',
  },
  {
    id: 'forwarded-credential-in-clear',
    both: withPolicies('jwt: { issuer: https://login.example, audience: shop }, mirror: { to: other }'),
    weak: { services: '{ shop: { endpoints: [https://shop.example] }, other: { endpoints: [http://other.example] } }' },
    mended: { services: '{ shop: { endpoints: [https://shop.example] }, other: { endpoints: [https://other.example] } }' },
    at: 'policies.jwt',
  },
  {
    id: 'shared-answers',
    weak: withPolicies('cache: { perConsumer: false }'),
    mended: withPolicies('cache: {}'),
    at: 'policies.cache.perConsumer',
  },
];

async function audit(sections: Sections) {
  const text = Object.entries({ ...sound, ...sections })
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
  const loaded = await loadConfigurationText(text, 'gatehouse.yaml', { policies: policyOrder, env });
  const { configuration } = loaded;
  assert.ok(configuration !== undefined, JSON.stringify(loaded.issues));
  return makeAudit({ ...loaded, configuration });
}

for (const { id, both = {}, weak, mended, at } of cases)
  test(`finds ${id} at ${at}, and nothing once it is mended`, async () => {
    const { findings } = await audit({ ...both, ...weak });
    assert.deepEqual(
      findings.map((finding) => [finding.id, finding.path]),
      [[id, at]],
    );
    assert.deepEqual((await audit({ ...both, ...mended })).findings, []);
  });

test('every rule has such a case, and an id of its own', () => {
  const ids = auditRules.map(({ id }) => id);
  assert.deepEqual(new Set(cases.map(({ id }) => id)), new Set(ids));
  assert.equal(new Set(ids).size, ids.length);
});

test('listeners that only this machine reaches, and bytes that are passed on, are not looked at', async () => {
  const { findings } = await audit({
    listeners: '{ here: { address: "127.0.0.1:80" }, socket: { address: "unix:/run/web.sock" } }',
    policies: '{}',
  });
  assert.deepEqual(findings, []);
});

test('a policy that only reports guards nothing', async () => {
  const { findings } = await audit(openPolicies('ip: { mode: report, allow: [192.0.2.7] }, rate-limit: { limit: 1/second }'));
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['open-writes', 'only-watching'],
  );
});

test('a credential for a service that is reached over https goes to no other', async () => {
  const services = '{ shop: { endpoints: [https://shop.example] }, old: { endpoints: [http://old.example] } }';
  const routes = '{ shop: { match: { path: /* }, to: [{ service: shop, weight: 1 }, { service: old, weight: 1 }] } }';
  const sent = (service: string) => withPolicies(`upstream-auth: { services: { ${service}: { bearer: "\${env:KEY}" } } }`);
  assert.deepEqual((await audit({ services, routes, ...sent('shop') })).findings, []);
  assert.equal((await audit({ services, routes, ...sent('old') })).findings[0]?.id, 'upstream-credential-in-clear');
});

test('the credential of a route goes to no stand-in and to no mirror, one by service to each that is named', async () => {
  const services = '{ shop: { endpoints: [https://shop.example] }, old: { endpoints: [http://old.example] } }';
  const fallback = '{ shop: { match: { path: /* }, to: { service: shop, fallback: { service: old } } } }';
  const credential = 'bearer: "${env:KEY}"';
  const byService = withPolicies(`upstream-auth: { services: { old: { ${credential} } } }`);
  const ids = async (sections: Sections) => (await audit({ services, ...sections })).findings.map(({ id }) => id);
  const mirrored = (own: string) => withPolicies(`mirror: { to: old }, upstream-auth: { ${own} }`);
  assert.deepEqual(await ids({ routes: fallback, ...withPolicies(`upstream-auth: { ${credential} }`) }), []);
  assert.deepEqual(await ids({ routes: fallback, ...byService }), ['upstream-credential-in-clear']);
  assert.deepEqual(await ids(mirrored(credential)), []);
  assert.deepEqual(await ids(mirrored(`services: { old: { ${credential} } }`)), ['upstream-credential-in-clear']);
});

test('a policy is looked at where it applies and others than this machine come, and found once', async () => {
  const watching = withPolicies('csrf: { mode: report }');
  const route = (name: string, more: string) => `${name}: { match: { path: /${name}/*${more}, to: shop }`;
  const places = async (sections: Sections) => (await audit({ ...watching, ...sections })).findings.map(({ path }) => path);
  const listeners = `${sound['listeners']!.slice(0, -2)}, here: { address: "127.0.0.1:80" } }`;
  assert.deepEqual(await places({ routes: `{ ${route('a', ' }')}, ${route('b', ' }')} }` }), ['policies.csrf.mode']);
  assert.deepEqual(await places({ routes: `{ ${route('a', ' }, policies: { csrf: {} }')} }` }), []);
  assert.deepEqual(await places({ listeners, routes: `{ ${route('a', ', listener: here }')} }` }), []);
});

test('a listener that switches a policy off opens only its own routes', async () => {
  const { findings } = await audit({
    listeners: `{ web: { address: ":443", maxConnectionsPerClient: 9, ${tls} }, open: { address: ":444", maxConnectionsPerClient: 9, ${tls}, policies: { api-key: false } } }`,
    routes:
      '{ shop: { match: { path: /*, listener: web }, to: shop }, other: { match: { path: /o, listener: open }, to: shop } }',
  });
  assert.deepEqual(
    findings.map(({ id, path }) => [id, path]),
    [['open-writes', 'routes.other']],
  );
});

test('hashes, variables of requests and conditions of routes are no secrets in the text', async () => {
  const { findings } = await audit({
    consumers: `{ match: { keys: [{ sha256: ${'0f'.repeat(32)}, expires: 2099-01-01 }] } }`,
    routes:
      '{ shop: { match: { path: /*, cookies: { token: beta } }, policies: { headers: { request: { set: { x-token: "${query.t}", cookie: "a=${cookie.a}", x-user-token: "user-${header.x}", x-has-password: "yes" } } } }, to: shop } }',
  });
  assert.deepEqual(findings, []);
  const fixed = await audit({
    routes: '{ shop: { match: { path: /* }, policies: { headers: { request: { set: { x-token: "user-7f3a" } } } }, to: shop } }',
  });
  assert.deepEqual(
    fixed.findings.map(({ id, path }) => [id, path]),
    [['secret-in-text', 'routes.shop.policies.headers.request.set.x-token']],
  );
  const named = await audit({ consumers: `{ match: { keys: [{ key: ${KEY}, expires: 2099-01-01 }] } }` });
  assert.equal(named.findings[0]?.id, 'secret-in-text');
});

test('no finding tells a secret', async () => {
  const result = await audit({ consumers: `{ alice: { keys: [${KEY}] } }`, admin: `{ address: ":9080", token: ${KEY} }` });
  assert.ok(result.findings.length >= 2);
  assert.doesNotMatch(JSON.stringify(result), new RegExp(KEY));
});
