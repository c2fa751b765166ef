/** One change of a small configuration each, and what it is said to mean. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { KnownRoutes } from '#config/known-routes.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { makePlan, type Plan } from './plan.ts';
import { toPlanMarkdown, toPlanText } from './plan-text.ts';
import { DifferenceWriter } from './value-differences.ts';

const base = `version: 1
listeners:
  web: { address: ":8080" }
  inside: { address: ":8081", policies: { ip: { allow: [10.0.0.0/8] } } }
services:
  orders: { endpoints: [http://10.0.0.1:80, http://10.0.0.2:80], timeouts: { attempt: 5s } }
  stock: { endpoints: [https://stock.example], tls: { serverName: stock.example } }
consumers:
  alice: { groups: [gold, silver], keys: [alice-key-0123456789abcdef, alice-key-fedcba9876543210] }
routes:
  orders:
    match: { host: shop.example, path: /orders/*, method: [GET, POST] }
    policies: { api-key: {}, rate-limit: { limit: 100/minute } }
    timeouts: { request: 10s }
    to: orders
  stock: { match: { path: /stock/* }, to: [{ service: stock, weight: 9 }, { service: orders, weight: 1 }] }
  hello: { match: { path: "/hello/:name" }, to: { respond: { text: hello } } }
policies:
  request-size: { body: 1MiB }
  headers: { request: { set: { x-secret: "\${env:UPSTREAM_SECRET}" } } }
`;
const env = { UPSTREAM_SECRET: 'dont-show-this', OTHER_SECRET: 'nor-this-one' };

async function load(text: string, name: string, knownRoutes = new KnownRoutes()) {
  const loaded = await loadConfigurationText(text, name, { policies: policyOrder, env, knownRoutes });
  const { configuration, compiledRoutes } = loaded;
  assert.ok(configuration !== undefined && compiledRoutes !== undefined, JSON.stringify(loaded.issues));
  return { ...loaded, configuration, compiledRoutes };
}

/** Replaces pieces of the text, each of which is there once. */
function edit(text: string, edits: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [from, to] of Object.entries(edits)) {
    assert.equal(edited.split(from).length, 2, from);
    edited = edited.replace(from, () => to);
  }
  return edited;
}

async function planOf(edits: Readonly<Record<string, string>>): Promise<Plan> {
  const plan = makePlan(await load(base, 'old.yaml'), await load(edit(base, edits), 'new.yaml'), undefined);
  // Where routes that are the same in both were read once, it is no different.
  const knownRoutes = new KnownRoutes();
  const old = await load(base, 'old.yaml', knownRoutes);
  assert.deepEqual(makePlan(old, await load(edit(base, edits), 'new.yaml', knownRoutes), undefined), plan);
  return plan;
}

const hello = '  hello: { match: { path: "/hello/:name" }, to: { respond: { text: hello } } }\n';

/** Grade, what, and details as they are listed. */
const cases: Readonly<Record<string, readonly [edits: Readonly<Record<string, string>>, expected: readonly string[]]>> = {
  'nothing but words': [{ '  hello: {': '  # a comment\n  hello: {' }, []],
  'the same in another order': [{ 'groups: [gold, silver], keys': 'groups: [gold, silver],  keys' }, []],

  'the same addresses in halves': [{ '[10.0.0.0/8]': '[10.128.0.0/9, 10.0.0.0/9, 10.1.0.0/16]' }, []],

  // Routes
  'a route is gone': [
    { [hello]: '' },
    ['breaking the route `hello` is gone, and nothing else takes its requests | such as GET any.example/hello/some'],
  ],
  'a route has another name': [
    { '  hello: {': '  greeting: {' },
    ['harmless `greeting` takes the place of `hello` | such as GET any.example/hello/some'],
  ],
  'a route has another name and leads elsewhere': [
    { [hello]: '  greeting: { match: { path: "/hello/:name" }, to: orders }\n' },
    ['risky the route `hello` is gone, and its requests go to `greeting` | such as GET any.example/hello/some'],
  ],
  'a route is new': [
    { [hello]: `${hello}  bye: { match: { path: /bye }, to: orders }\n` },
    ['notable the new route `bye` takes requests that got 404 | such as GET any.example/bye'],
  ],
  'a new route is more specific': [
    { [hello]: `${hello}  special: { match: { host: shop.example, path: /orders/special, method: [GET] }, to: stock }\n` },
    [
      'risky `special` takes requests that `orders` had: /orders/special is a more specific path than /orders/* | such as GET shop.example/orders/special',
    ],
  ],
  'a new route takes nothing': [
    { [hello]: `${hello}  lost: { match: { path: "/hello/:name" }, priority: -1, to: orders }\n` },
    ['risky the new route `lost` takes no request: `hello` is more specific'],
  ],
  'a route takes fewer methods': [
    { 'method: [GET, POST]': 'method: [POST]' },
    [
      'breaking `orders` takes fewer requests than before | such as GET shop.example/orders/some',
      'notable `match` of the route `orders` is different | method GET removed',
    ],
  ],
  'a route takes more hosts': [
    { 'host: shop.example,': 'host: [shop.example, store.example],' },
    [
      'notable `orders` takes more requests than before | such as GET store.example/orders/some',
      'notable `match` of the route `orders` is different | host shop.example → ["shop.example","store.example"]',
    ],
  ],
  'a route leads to another service': [
    { 'to: orders\n': 'to: stock\n' },
    ['risky the route `orders` leads to `stock` instead of `orders` | orders → stock'],
  ],
  'weights are others': [
    { 'weight: 9': 'weight: 5' },
    ['notable the route `stock` leads to `orders` and `stock` in another way | 0.weight 9 → 5'],
  ],
  'a fixed answer is another': [
    { 'text: hello } }': 'text: bye } }' },
    ['risky the route `hello` answers differently | respond.text hello → bye'],
  ],
  'a time-out of a route is shorter': [
    { 'request: 10s': 'request: 5s' },
    ['risky `timeouts` of the route `orders` are shorter | request 10s → 5s'],
  ],
  'a time-out of a route is longer': [
    { 'request: 10s': 'request: 20s' },
    ['notable `timeouts` of the route `orders` are longer | request 10s → 20s'],
  ],

  // Policies
  'nobody has to be known any more': [{ 'api-key: {}, ': '' }, ['risky `api-key` is gone from the route `orders`']],
  'somebody has to be known': [
    { '{ text: hello } } }': '{ text: hello } }, policies: { api-key: {} } }' },
    ['breaking `api-key` is new on the route `hello`, from the route `hello`'],
  ],
  'all have to be known': [
    { 'policies:\n  request-size': 'policies:\n  jwt: { issuer: "https://login.example/", audience: shop }\n  request-size' },
    ['breaking `jwt` is new on 3 routes (`orders`, `stock`, `hello`), from the gateway'],
  ],
  'a route switches a policy off': [
    { 'api-key: {}, ': 'api-key: {}, request-size: false, ' },
    ['risky `request-size` is switched off at the route `orders` for the route `orders`'],
  ],
  'a limit is lower': [
    { '100/minute': '50/minute' },
    ['risky `rate-limit` is tighter on the route `orders` | limit 100/minute → 50/minute'],
  ],
  'a limit is higher': [
    { '100/minute': '500/minute' },
    ['notable `rate-limit` is looser on the route `orders` | limit 100/minute → 500/minute'],
  ],
  'a limit only reports': [
    { 'limit: 100/minute }': 'limit: 100/minute, mode: report }' },
    ['risky `rate-limit` only reports on the route `orders` | mode report added'],
  ],
  'more addresses may come': [
    { '[10.0.0.0/8]': '[10.0.0.0/8, 192.168.0.0/16]' },
    ['risky `ip` is looser on 3 routes (`orders`, `stock`, `hello`) | allow 192.168.0.0/16 added'],
  ],
  'fewer addresses may come': [
    { '[10.0.0.0/8]': '[10.0.0.0/16]' },
    ['breaking `ip` is tighter on 3 routes (`orders`, `stock`, `hello`) | allow 10.0.0.0/16 added; 10.0.0.0/8 removed'],
  ],
  'a larger block of addresses may come': [
    { '[10.0.0.0/8]': '[10.0.0.0/7]' },
    ['risky `ip` is looser on 3 routes (`orders`, `stock`, `hello`) | allow 10.0.0.0/7 added; 10.0.0.0/8 removed'],
  ],
  'other addresses may come': [
    { '[10.0.0.0/8]': '[192.168.0.0/16]' },
    ['breaking `ip` is different on 3 routes (`orders`, `stock`, `hello`) | allow 192.168.0.0/16 added; 10.0.0.0/8 removed'],
  ],
  'a guard that only reports is new': [
    { '{ text: hello } } }': '{ text: hello } }, policies: { ip: { allow: [10.0.0.0/8], mode: report } } }' },
    [
      'notable `ip` is new on the route `hello`, from the route `hello`',
      'risky `ip` only reports on the route `hello` (the route `hello` overrides the listener `inside`) | mode report added',
    ],
  ],
  'nobody has to be known, and everybody else is somebody': [
    { 'api-key: {}': 'api-key: { anonymous: alice }' },
    ['risky `api-key` is looser on the route `orders` | anonymous alice added'],
  ],
  'some addresses may not come': [
    { '{ allow: [10.0.0.0/8] }': '{ allow: [10.0.0.0/8], deny: [10.9.0.0/16] }' },
    ['breaking `ip` is tighter on 3 routes (`orders`, `stock`, `hello`) | deny ["10.9.0.0/16"] added'],
  ],
  'bodies may be larger': [
    { '1MiB': '2MiB' },
    ['notable `request-size` is looser on 3 routes (`orders`, `stock`, `hello`) | body 1MiB → 2MiB'],
  ],
  'a field that is no guard': [
    { 'headers: { request': 'hsts: {}\n  headers: { request' },
    ['notable `hsts` is new on 3 routes (`orders`, `stock`, `hello`), from the gateway'],
  ],

  'a route is not tried again': [
    { 'timeouts: { request: 10s }': 'retry: false\n    timeouts: { request: 10s }' },
    ['notable `retry` of the route `orders` is different | false added'],
  ],

  // Services
  'an endpoint is new': [
    { 'http://10.0.0.2:80]': 'http://10.0.0.2:80, http://10.0.0.3:80]' },
    ['notable the service `orders` has 3 endpoints instead of 2 | http://10.0.0.3:80 added'],
  ],
  'all endpoints are others': [
    { 'http://10.0.0.1:80, http://10.0.0.2:80': 'http://10.0.1.1:80' },
    ['risky the service `orders` has other endpoints | http://10.0.1.1:80 added; http://10.0.0.1:80, http://10.0.0.2:80 removed'],
  ],
  'a service is asked without TLS': [
    { '[https://stock.example], tls: { serverName: stock.example }': '[http://stock.example]' },
    [
      'risky `tls` of the service `stock` is different | {"serverName":"stock.example"} removed',
      'risky the service `stock` is asked without TLS | http://stock.example added; https://stock.example removed',
    ],
  ],
  'certificates are not verified': [
    { 'serverName: stock.example }': 'serverName: stock.example, verify: dangerously-off }' },
    ['risky certificates of the service `stock` are not verified any more | verify dangerously-off added'],
  ],
  'a service has less time': [
    { 'attempt: 5s': 'attempt: 1s' },
    ['risky `timeouts` of the service `orders` are shorter | attempt 5s → 1s'],
  ],
  'a service is new': [
    { 'services:\n': 'services:\n  fresh: { endpoints: [http://fresh] }\n' },
    ['harmless the service `fresh` is new'],
  ],

  'a breaker is new': [
    { 'timeouts: { attempt: 5s } }': 'timeouts: { attempt: 5s }, breaker: {} }' },
    ['notable `breaker` of the service `orders` is different | {} added'],
  ],

  // Listeners
  'a listener is gone': [
    { '  inside: { address: ":8081", policies: { ip: { allow: [10.0.0.0/8] } } }\n': '' },
    ['breaking the listener `inside` is gone'],
  ],
  'a listener is new': [
    { 'listeners:\n': 'listeners:\n  other: { address: ":8082" }\n' },
    ['notable the listener `other` is new'],
  ],
  'a listener listens elsewhere': [
    { '":8080"': '":80"' },
    ['breaking `address` of the listener `web` is different | :8080 → :80'],
  ],
  'a listener serves HTTPS': [
    { 'web: { address: ":8080" }': 'web: { address: ":8080", tls: { certificates: [{ cert: a.pem, key: a.key }] } }' },
    [
      'breaking the listener `web` serves HTTPS instead of plain HTTP | {"certificates":[{"cert":"a.pem","key":"(not shown)"}]} added',
    ],
  ],
  'others are believed': [
    { 'web: { address: ":8080" }': 'web: { address: ":8080", trustedProxies: [10.0.0.0/8] }' },
    ['risky `trustedProxies` of the listener `web` is different | ["10.0.0.0/8"] added'],
  ],

  // Consumers
  'a consumer is gone': [
    { '  alice: {': '  bob: {' },
    ['breaking the consumer `alice` is gone', 'notable the consumer `bob` is new'],
  ],
  'a consumer loses a group': [{ '[gold, silver]': '[silver]' }, ['breaking the consumer `alice` is not in gold any more']],
  'a consumer gains a group': [{ '[gold, silver]': '[gold, silver, staff]' }, ['notable the consumer `alice` is in staff']],
  'a key does not count any more': [
    { 'alice-key-0123456789abcdef, ': '' },
    ['breaking `keys` of the consumer `alice` is different'],
  ],
  'a key is new': [
    { 'alice-key-0123456789abcdef, ': 'alice-key-0123456789abcdef, alice-key-0000111122223333, ' },
    ['notable the consumer `alice` has more in `keys`'],
  ],
  'a consumer may come from some addresses only': [
    { 'groups: [gold, silver]': 'addresses: [10.0.0.0/8], groups: [gold, silver]' },
    ['breaking `addresses` of the consumer `alice` is different'],
  ],

  'groups in another order': [{ '[gold, silver]': '[silver, gold]' }, []],

  // Everything else
  'state is kept elsewhere': [
    { 'version: 1\n': 'version: 1\nstores: { redis: { url: "redis://r:6379" } }\n' },
    ['risky `stores` of the gateway is different | {"redis":{"url":"redis://r:6379"}} added'],
  ],
  'others may run the gateway': [
    { 'version: 1\n': 'version: 1\nadmin: { address: "127.0.0.1:9080" }\n' },
    ['risky `admin` of the gateway is different | {"address":"127.0.0.1:9080"} added'],
  ],
  'nothing is logged': [
    { 'version: 1\n': 'version: 1\naccessLog: false\n' },
    ['notable `accessLog` of the gateway is different | false added'],
  ],
};

describe('a change', () => {
  for (const [name, [edits, expected]] of Object.entries(cases)) {
    test(name, async () => {
      const { changes } = await planOf(edits);
      const shown = changes.map(({ grade, what, details, examples }) =>
        [`${grade} ${what}`, ...details, ...examples.map((example) => `such as ${example}`)].join(' | '),
      );
      assert.deepEqual(shown.sort(), [...expected].sort());
    });
  }
});

/** Block of a policy at a route before and after, and what is said of it. */
const blocks: Readonly<Record<string, readonly [before: string, after: string, expected: string]>> = {
  'a block that holds the one before': ['ip: { allow: ["2001:db8::/48"] }', 'ip: { allow: ["2001:db8::/32"] }', 'risky looser'],
  'a block within the one before': ['ip: { allow: ["2001:db8::/32"] }', 'ip: { allow: ["2001:db8::/48"] }', 'breaking tighter'],
  'halves and more': [
    'ip: { allow: ["2001:db8::/32"] }',
    'ip: { allow: ["2001:db8:8000::/33", "2001:db8::/33", 192.0.2.7] }',
    'risky looser',
  ],
  'one address less than the whole': [
    'ip: { allow: [192.0.2.0/30] }',
    'ip: { allow: [192.0.2.0/31, 192.0.2.2] }',
    'breaking tighter',
  ],
  'halves, and some of them are refused': [
    'ip: { allow: [10.0.0.0/8] }',
    'ip: { allow: [10.0.0.0/9, 10.128.0.0/9], deny: [10.9.0.0/16] }',
    'breaking tighter',
  ],
  'the last address of IPv6 beside the first of IPv4': [
    'ip: { allow: ["ffff::/16"] }',
    'ip: { allow: ["ffff::/17", "ffff:8000::/17", 0.0.0.0] }',
    'risky looser',
  ],
  'another consumer': [
    'authorize: { consumers: [alice, bob] }',
    'authorize: { consumers: [alice, carol] }',
    'breaking different',
  ],
  'one consumer less': ['authorize: { consumers: [alice, bob] }', 'authorize: { consumers: [alice] }', 'breaking tighter'],
  'an audience less': [
    'jwt: { issuer: "https://a.example/", audience: [shop, stock] }',
    'jwt: { issuer: "https://a.example/", audience: [shop] }',
    'breaking tighter',
  ],
  'any audience': [
    'jwt: { issuer: "https://a.example/", audience: shop }',
    'jwt: { issuer: "https://a.example/", anyAudience: true }',
    'risky looser',
  ],
  'tokens of any age': [
    'jwt: { issuer: "https://a.example/", audience: shop, maxAge: 1h }',
    'jwt: { issuer: "https://a.example/", audience: shop }',
    'risky looser',
  ],
  'tokens of one hour': [
    'jwt: { issuer: "https://a.example/", audience: shop }',
    'jwt: { issuer: "https://a.example/", audience: shop, maxAge: 1h }',
    'breaking tighter',
  ],
  'who shows nothing is refused': ['api-key: { anonymous: alice }', 'api-key: {}', 'breaking tighter'],
  'a service that decides fails open': [
    'opa: { service: orders, path: /allow }',
    'opa: { service: orders, path: /allow, onFailure: allow }',
    'risky looser',
  ],
  'answers are refused too': [
    'validate: { openapi: shop.json, answers: {} }',
    'validate: { openapi: shop.json, answers: { mode: refuse } }',
    'risky tighter',
  ],
  'what reported refuses': [
    'ip: { allow: [10.0.0.0/8], mode: report }',
    'ip: { allow: [10.0.0.0/8] }',
    'breaking refuses now, and does not only report,',
  ],
  'what reports reports something else': [
    'ip: { allow: [10.0.0.0/8], mode: report }',
    'ip: { allow: [10.0.0.0/16], mode: report }',
    'notable tighter',
  ],
};

interface Pieces {
  readonly endpoints?: string;
  readonly alice?: string;
  readonly policies?: string;
}

function toText({ endpoints = 'http://10.0.0.1', alice = '', policies = '' }: Pieces): string {
  return `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [${endpoints}] } }
consumers: { alice: { ${alice} }, bob: {}, carol: {} }
routes: { orders: { match: { path: /* }, to: orders, policies: { ${policies} } } }
`;
}

async function planBetween(before: Pieces, after: Pieces): Promise<Plan> {
  return makePlan(await load(toText(before), 'old.yaml'), await load(toText(after), 'new.yaml'), undefined);
}

describe('a change of a policy', () => {
  for (const [name, [before, after, expected]] of Object.entries(blocks)) {
    test(name, async () => {
      const { changes } = await planBetween({ policies: before }, { policies: after });
      const shown = changes.map(({ grade, what }) => `${grade} ${/` (?:is )?(.*) on the route/.exec(what)?.[1]}`);
      assert.deepEqual(shown, [expected]);
    });
  }
});

const further: Readonly<Record<string, readonly [before: Pieces, after: Pieces, expected: string]>> = {
  'one of several endpoints is asked without TLS': [
    { endpoints: 'http://a.example, https://b.example' },
    { endpoints: 'http://a.example, http://b.example' },
    'risky the service `orders` is asked without TLS',
  ],
  'one of several endpoints is asked with TLS': [
    { endpoints: 'https://a.example, http://b.example' },
    { endpoints: 'https://a.example, https://b.example' },
    'notable the service `orders` has some other endpoints',
  ],
  'credentials count from further addresses': [
    { alice: 'addresses: [10.0.0.0/8]' },
    { alice: 'addresses: [10.0.0.0/8, 192.168.0.0/16]' },
    'risky `addresses` of the consumer `alice` is different',
  ],
  'credentials count from everywhere': [
    { alice: 'addresses: [10.0.0.0/8]' },
    {},
    'risky `addresses` of the consumer `alice` is different',
  ],
};

describe('a further change', () => {
  for (const [name, [before, after, expected]] of Object.entries(further)) {
    test(name, async () => {
      const { changes } = await planBetween(before, after);
      assert.deepEqual(
        changes.map(({ grade, what }) => `${grade} ${what}`),
        [expected],
      );
    });
  }
});

test('a secret is not shown that JSON writes in another way', () => {
  const secret = new Secret('quo"ted');
  const added = { path: [], before: undefined, after: { set: secret.reveal() } };
  assert.equal(new DifferenceWriter({}, { secret }).write(added), '{"set":"(not shown)"} added');
});

test('each change has its place in the new configuration, and the worst are first', async () => {
  const { changes, counts } = await planOf({
    '":8080"': '":80"',
    '100/minute': '500/minute',
    '[gold, silver]': '[gold, silver, staff]',
  });
  assert.deepEqual(
    changes.map(({ grade, place, path }) => [grade, place, path]),
    [
      ['breaking', 'new.yaml:3:10', 'listeners.web.address'],
      ['notable', 'new.yaml:13:30', 'routes.orders.policies.rate-limit'],
      ['notable', 'new.yaml:9:12', 'consumers.alice.groups'],
    ],
  );
  assert.deepEqual(counts, { breaking: 1, risky: 0, notable: 2, harmless: 0 });
});

test('no secret is shown, in whatever form', async () => {
  const plan = await planOf({
    UPSTREAM_SECRET: 'OTHER_SECRET',
    'alice-key-0123456789abcdef, ': 'alice-key-0000111122223333, ',
    '  alice: {': '  alice: { password: "a password of alice",',
    'version: 1\n': 'version: 1\nstores: { redis: { url: "redis://r:6379", password: hunter2-of-redis } }\n',
  });
  const names = { old: 'old.yaml', new: 'new.yaml' };
  const all = `${JSON.stringify(plan)}${toPlanText(plan, names)}${toPlanMarkdown(plan, names)}`;
  assert.match(all, /`headers` is different/);
  for (const secret of ['dont-show-this', 'nor-this-one', 'alice-key', 'a password of alice', 'hunter2'])
    assert.ok(!all.includes(secret), secret);
});

test('a plan is text for a terminal, and Markdown for a merge request', async () => {
  const plan = await planOf({ [hello]: '' });
  const names = { old: 'old.yaml', new: 'new.yaml' };
  assert.equal(
    toPlanText(plan, names),
    `old.yaml → new.yaml: 1 breaking

BREAKING new.yaml:10:1
  the route \`hello\` is gone, and nothing else takes its requests: clients that ask for this get 404
    such as GET any.example/hello/some
`,
  );
  assert.match(
    toPlanMarkdown(plan, names),
    /^#### 🛑 breaking \(1\)$[\s\S]*^- \*\*the route `hello` is gone, .*\*\*: .* \(`new\.yaml:10:1`\)$/m,
  );
  assert.match(toPlanText(await planOf({}), names), /nothing changes/);
});
