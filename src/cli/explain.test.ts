import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RequestExplanation } from '#runtime/explain-request.ts';
import { runCommand } from '#test/support/command.ts';
import { runExplain } from './explain.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-explain-'));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, 'gatehouse.yaml'),
  `
version: 1
listeners:
  postgres: { address: ":5432", tcp: { to: postgres } }
  web: { address: ":8080" }
  inside: { address: "127.0.0.1:8081", policies: { headers: false } }
services:
  orders: { endpoints: [http://10.0.0.11:3000, "http://[fd00::1]:3000"], timeouts: { attempt: 2s }, hedge: { after: p95 } }
  scarce: { endpoints: [http://s:1], breaker: {}, concurrency: { max: 20, adaptive: true } }
  canary: { endpoints: ["http+unix:///run/canary.sock"] }
  postgres: { endpoints: ["tcp://10.0.0.2:5432"] }
policies: { headers: { response: { set: { x-gateway: "1" } } } }
routes:
  orders: { match: { host: shop.example.com, path: /orders/*, method: [GET, POST] }, to: orders }
  order:
    match: { host: shop.example.com, path: "/orders/:id" }
    policies: { rewrite: { query: "" } }
    timeouts: { request: 10s }
    retry: { on: [connect, reset, 503] }
    to: [{ service: orders, weight: 9 }, { service: canary, weight: 1 }]
  canary: { match: { host: shop.example.com, path: "/orders/:id", headers: { x-canary: "yes" } }, to: canary }
  items:
    match: { path: "/items" }
    policies: { mirror: { to: canary, percent: 12.5% }, fault: { delay: { for: 500ms, percent: 1% }, abort: { status: 502, percent: 0.5% }, when: { headers: { x-chaos: "yes" } } } }
    to:
      services: [{ service: orders, weight: 9 }, { service: canary, weight: 1 }]
      sticky: { by: cookie.release }
      fallback: { respond: { status: 204 }, when: [timeout, 503] }
  stock: { match: { path: "/stock" }, to: { services: [{ service: orders }, { service: canary }], sticky: { by: ip }, fallback: { service: orders } } }
  basket:
    match: { path: /basket }
    timeouts: { request: 3s }
    to: { services: [{ service: orders }, { service: canary }, { service: scarce }], fallback: { service: scarce, when: [unavailable, timeout, 502] } }
  inside: { match: { path: /metrics, listener: inside, clientIp: 10.0.0.0/8 }, to: { respond: { text: ok } } }
  scarce: { match: { path: /scarce }, importance: high, to: scarce }
  limited: { match: { path: "/tenants/:tenant" }, policies: { rate-limit: { limits: [10/second, { limit: 100/minute, burst: 20 }], by: [ip, path.tenant, header.x-team] } }, to: orders }
  old: { match: { path: /old }, to: { redirect: { path: /, status: 308 } } }
`,
);
writeFileSync(
  join(folder, 'bytes.yaml'),
  'version: 1\nlisteners: { a: { address: ":1", tcp: { to: b } } }\nservices: { b: { endpoints: ["tcp://b:1"] } }\n',
);
writeFileSync(
  join(folder, 'found.yaml'),
  `version: 1
listeners: { web: { address: ":1" } }
services:
  dns: { discover: { dns: { name: orders.internal, port: 80 } } }
  file: { endpoints: [http://a:1], discover: { file: /run/orders.yaml } }
  consul: { discover: { consul: { service: orders } } }
routes:
  dns: { match: { path: /dns }, to: dns }
  file: { match: { path: /file }, to: file }
  consul: { match: { path: /consul }, to: consul }
`,
);
writeFileSync(join(folder, 'wrong.yaml'), 'version: 1\nlisteners:\n  web: { adress: ":80" }\n');

const explain = (...args: string[]) => runCommand(runExplain, args, folder);

async function explained(...args: string[]): Promise<RequestExplanation> {
  return JSON.parse((await explain(...args, '--json')).stdout) as RequestExplanation;
}

test('says how much a route matters and what protects its service', async () => {
  const { stdout } = await explain('GET', 'http://x/scarce');
  assert.ok(
    stdout.includes(`
  importance high
  protected by concurrency: at most 20 requests at a time, an adaptive limit from 2 to 1000 per thread, a part of that wait for up to 1s
  protected by breaker of the service: opens for 5s when 50% of 20 or more attempts fail within 10s
`),
    stdout,
  );
  assert.doesNotMatch((await explain('GET', 'http://shop.example.com/orders/5')).stdout, /importance|protected/);
});

test('says what becomes of a request when a thread has too much to do', async () => {
  const text = (importance: string) => `version: 1
listeners: { web: { address: ":1" } }
overload: { delay: 200ms }
services: { a: { endpoints: [http://a:1] } }
routes: { all: { match: { path: /* }, importance: ${importance}, to: a } }
`;
  writeFileSync(join(folder, 'overload.yaml'), text('low'));
  const { stdout } = await explain('GET', '/', '--config', 'overload.yaml');
  assert.ok(
    stdout.includes(`
  importance low
  protected by overload: refused when work in a data thread waits for more than 200ms, less important ones first
`),
    stdout,
  );
  writeFileSync(join(folder, 'overload.yaml'), text('critical'));
  const { route } = await explained('GET', '/', '--config', 'overload.yaml');
  assert.deepEqual(route!.protection, ['overload: never refused, also when work in a data thread waits for more than 200ms']);
});

test('says which file a request is answered with', async () => {
  writeFileSync(
    join(folder, 'files.yaml'),
    `version: 1
listeners: { web: { address: ":1" } }
routes: { site: { match: { path: /site/* }, to: { files: { folder: /srv/site, fallback: index.html } } } }
`,
  );
  const detailsOf = async (path: string) => (await explained('GET', path, '--config', 'files.yaml')).route!.details;
  const otherwise = 'or for pages with index.html where there is none';
  assert.deepEqual(await detailsOf('/site/a%20b'), [`files: answered with /srv/site/a b, ${otherwise}`]);
  assert.deepEqual(await detailsOf('/site/sub/'), [`files: answered with /srv/site/sub/index.html, ${otherwise}`]);
  assert.deepEqual(await detailsOf('/site/.env'), ['files: the path is the name of no file that is served']);
  assert.equal((await explained('GET', '/site/', '--config', 'files.yaml')).route!.destination, 'the files of /srv/site');
});

test('says what a rate limit counts of a request', async () => {
  const { stdout } = await explain('GET', '/tenants/acme', '--client', '2001:db8::1');
  const limits = 'at most 10/second and 100/minute with a burst of 20';
  const lines = `
  rate-limit: ${limits} by ip, path.tenant, header.x-team
  rate-limit: counts this request by ip 2001:db8:0:0::/64, path.tenant acme, header.x-team (none)
`;
  assert.ok(stdout.includes(lines), stdout);
});

test('says which limits hold for which tier, since who asks is not known', async () => {
  writeFileSync(
    join(folder, 'tiers.yaml'),
    `version: 1
listeners: { web: { address: ":1" } }
services: { a: { endpoints: [http://a:1] } }
policies:
  rate-limit: { limit: 10/minute, by: consumer, tiers: { gold: 1000/minute, silver: [100/minute, 5/second] } }
  quota: { by: consumer, tiers: { gold: 5000/day } }
routes: { all: { match: { path: /* }, to: a } }
`,
  );
  const { stdout } = await explain('GET', '/', '--config', 'tiers.yaml');
  for (const line of [
    'rate-limit: counts this request by consumer (none); tiers: gold 1000/minute, silver 100/minute and 5/second, otherwise 10/minute',
    'quota: counts this request by consumer (none); tiers: gold 5000/day, otherwise none',
  ])
    assert.ok(stdout.includes(`\n  ${line}\n`), stdout);
});

test('says which route takes a request, why, with which policies, and where it goes', async () => {
  const { status, stdout, stderr } = await explain('GET', 'https://shop.example.com/orders/5?a=b');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  assert.equal(
    stdout.split('\n\nRoutes')[0],
    `GET /orders/5?a=b   host shop.example.com, listener web, client 127.0.0.1

Route order   shop.example.com/orders/:id
  because host is exactly shop.example.com
  because path fits /orders/:id
  captures id = 5
  policies rewrite → headers
  goes to service orders (weight 9) at 10.0.0.11:3000, [fd00::1]:3000, service canary (weight 1) at unix:/run/canary.sock
    orders chooses an endpoint by round-robin, because endpoints take turns by their weights
      http://10.0.0.11:3000   weight 1: 50 %
      http://[fd00::1]:3000   weight 1: 50 %
  sent to orders: attempt 2s (services.orders.timeouts.attempt); request 10s (routes.order.timeouts.request); first byte 1m (services.orders.timeouts.firstByte); idle 1m (services.orders.timeouts.idle); up to 2 further attempts after connect, reset, 503; hedged after p95
  sent to canary: request 10s (routes.order.timeouts.request); first byte 1m (services.canary.timeouts.firstByte); idle 1m (services.canary.timeouts.idle); up to 2 further attempts after connect, reset, 503`,
  );
});

test('says which further attempts a request gets that is not to be done twice', async () => {
  const post = await explained('POST', 'http://shop.example.com/orders/5');
  assert.match(post.route!.forwarding[0]!, /; up to 2 further attempts after connect$/);
  const keyed = await explained('POST', 'http://shop.example.com/orders/5', '-H', 'Idempotency-Key: 1');
  assert.match(keyed.route!.forwarding[0]!, /; up to 2 further attempts after connect, reset, 503$/);
  const local = await explained('GET', '/old');
  assert.deepEqual(local.route!.forwarding, []);
});

test('says after which statuses of gRPC a call is made again', async () => {
  const text = `version: 1
listeners: { web: { address: ":8080" } }
services: { calls: { endpoints: [http://10.0.0.9:50051], protocol: http2, retry: { grpcStatuses: [unavailable, aborted] } } }
routes: { calls: { match: {}, to: calls } }
`;
  writeFileSync(join(folder, 'grpc-statuses.yaml'), text);
  const { route } = await explained('POST', '/shop.Orders/Get', '--config', 'grpc-statuses.yaml');
  assert.match(route!.forwarding[0]!, / after connect, refused, grpc-status unavailable, grpc-status aborted$/);
});

for (const [name, expected] of [
  ['dns', 'what DNS says of orders.internal'],
  ['file', 'a:1, what /run/orders.yaml lists'],
  ['consul', 'what Consul says of orders'],
]) {
  test(`says where endpoints come from that are found: ${name}`, async () => {
    const { stdout } = await explain('GET', `http://shop.example.com/${name}`, '--config', 'found.yaml');
    assert.ok(stdout.includes(`goes to service ${name} at ${expected}\n`), stdout);
  });
}
test('says which service a split keeps the request at, what is mirrored and disturbed, and what answers otherwise', async () => {
  const { stdout } = await explain('GET', '/items', '-H', 'cookie: release=abc');
  assert.match(
    stdout,
    /^ {2}goes to service orders \(weight 9\) at .*\n(?: {4}.*\n)*(?: {2}sent to .*\n){2} {2}fault: 1 % wait 500 ms, 0\.5 % get 502, by header\n {2}mirror: 12\.5 % to canary\n {2}sticky by cookie release: this request goes to service orders\n {2}falls back to a fixed answer with status 204\n {4}instead of orders: on timeout, 503\n {4}instead of canary: on timeout, 503$/m,
  );
  const without = await explained('GET', '/items');
  assert.ok(without.route?.details.includes('sticky by cookie release: the request has none, so a new one decides and is set'));
  const services = new Set<string | undefined>();
  for (let i = 0; i < 20; i++) {
    const { route } = await explained('GET', '/stock', '--client', `192.0.2.${i}`);
    services.add(route?.details[0]);
    assert.deepEqual(route?.details.slice(1), []);
  }
  assert.deepEqual([...services].toSorted(), [
    'sticky by client address: this request goes to service canary',
    'sticky by client address: this request goes to service orders',
  ]);
});

test('says what a fallback stands in for, when, and by which rules it is asked', async () => {
  const { stdout } = await explain('POST', '/basket');
  assert.ok(
    stdout.includes(`  falls back to service scarce
    instead of orders: on unavailable, timeout, 502; on timeout only while nobody has worked on it, since POST is not to be done twice; a body goes along up to 64KiB (services.orders.retry.bodyMax); not once 3s are over (routes.basket.timeouts.request)
    instead of canary: on unavailable, timeout, 502; on timeout only while nobody has worked on it, since POST is not to be done twice; a body goes along up to 64KiB (services.canary.retry.bodyMax); not once 3s are over (routes.basket.timeouts.request)
    sent to scarce: request 3s (routes.basket.timeouts.request); first byte 1m (services.scarce.timeouts.firstByte); idle 1m (services.scarce.timeouts.idle); up to 2 further attempts after connect, refused
    protected by concurrency: at most 20 requests at a time, an adaptive limit from 2 to 1000 per thread, a part of that wait for up to 1s
    protected by breaker of the service: opens for 5s when 50% of 20 or more attempts fail within 10s
`),
    stdout,
  );
  const keyed = await explained('POST', '/basket', '-H', 'Idempotency-Key: 1');
  assert.doesNotMatch(keyed.route!.fallback!.instead[0]!, /twice/);
  const safe = await explained('GET', '/basket');
  assert.equal(
    safe.route!.fallback!.instead[0],
    'orders: on unavailable, timeout, 502; not once 3s are over (routes.basket.timeouts.request)',
  );
});

test('a service of a split does not stand in for itself, and a choice among endpoints of the fallback is shown', async () => {
  const { stdout } = await explain('GET', '/stock', '--client', '192.0.2.1');
  assert.ok(
    stdout.includes(`  falls back to service orders
    instead of canary: on unavailable, failure, timeout
    orders chooses an endpoint by round-robin, because endpoints take turns by their weights
      http://10.0.0.11:3000   weight 1: 50 %
`),
    stdout,
  );
  const { route } = await explained('GET', '/scarce');
  assert.equal(route!.fallback, undefined);
});

test('shows routes that match too but rank lower, and near misses with the condition that failed', async () => {
  const { outranked, nearMisses } = await explained('GET', 'http://shop.example.com/orders/5');
  assert.deepEqual(
    outranked.map(({ route }) => route),
    ['orders'],
  );
  const canary = nearMisses.find(({ route }) => route === 'canary');
  assert.equal(canary?.because, "header 'x-canary' is absent, wants 'yes'");
  const { stdout } = await explain('GET', 'http://shop.example.com/orders/5');
  assert.match(
    stdout,
    /\nNear misses:\n {2}canary {3}shop\.example\.com\/orders\/:id: header 'x-canary' is absent, wants 'yes'\n/,
  );
});

test('headers, the host among them, the listener and the client count', async () => {
  const byHeader = await explained('GET', '/orders/5', '-H', 'Host: shop.example.com', '-H', 'X-Canary:yes');
  assert.equal(byHeader.route?.name, 'canary');
  assert.deepEqual(byHeader.route?.policies, ['headers']);
  const inside = await explained('GET', '/metrics', '--listener', 'inside', '--client', '10.1.2.3');
  assert.equal(inside.route?.name, 'inside');
  assert.deepEqual(inside.route?.policies, [], 'the listener has switched the policy off');
  assert.equal(inside.route?.destination, 'a fixed answer with status 200');
});

test('the target is read as the gateway reads it', async () => {
  const { request, route } = await explained('GET', 'http://shop.example.com/a/../%6frders/%2f5');
  assert.equal(request.path, '/orders/%2F5');
  assert.deepEqual(route?.captures, { id: '%2F5' });
});

test('a method may be written in small letters', async () => {
  assert.equal((await explained('get', '/old')).route?.destination, 'a redirect with status 308');
});

test('exits with 1 when no route takes the request', async () => {
  const { status, stdout } = await explain('GET', '/metrics');
  assert.equal(status, 1);
  assert.match(stdout, /^No route takes this request: the answer is 404\.$/m);
  assert.match(stdout, /^ {2}inside {3}\/metrics: listener is web, wants inside$/m);
  const json = await explain('GET', '/metrics', '--json');
  assert.equal(json.status, 1);
  assert.equal((JSON.parse(json.stdout) as RequestExplanation).route, undefined);
});

const refusals: readonly { args: string[]; stderr: RegExp }[] = [
  { args: [], stderr: /expected a method and a URL, such as/ },
  { args: ['GET'], stderr: /expected a method and a URL/ },
  { args: ['GET', '/', '/more'], stderr: /expected a method and a URL/ },
  { args: ['GET', '/', '-H', 'no colon'], stderr: /-H "no colon": expected 'name: value'/ },
  { args: ['GET', '/', '--lisener', 'web'], stderr: /unknown option --lisener; did you mean --listener\?/ },
  { args: ['GET', '/', '--listener', 'nope'], stderr: /there is no listener `nope`/ },
  { args: ['GET', '/', '--listener', 'postgres'], stderr: /the listener `postgres` passes bytes on/ },
  { args: ['GET', '/', '-c', 'bytes.yaml'], stderr: /no listener reads requests/ },
  { args: ['GET', '/', '--listener', 'constructor'], stderr: /there is no listener `constructor`/ },
  { args: ['GET', '/', '--client', 'me'], stderr: /--client me: expected an IP address/ },
  { args: ['GET', '//x'], stderr: /would be refused with 400: the path has an empty segment/ },
  { args: ['GET', '/', '-H', 'host: a b'], stderr: /would be refused with 400: "a b" is not a host/ },
  { args: ['GET', '/', '-c', 'missing.yaml'], stderr: /^missing\.yaml the file cannot be read: there is no such file$/m },
  { args: ['GET', '/', '-c', 'wrong.yaml'], stderr: /^wrong\.yaml:3:10 .*adress/m },
];

for (const { args, stderr: expected } of refusals) {
  test(`exits with 2 for ${JSON.stringify(args)}`, async () => {
    const { status, stdout, stderr } = await explain(...args);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, expected);
  });
}

test('says what a batch may hold', async () => {
  const batches = `version: 1
listeners: { web: { address: ":1" } }
routes:
  batch: { match: { path: /batch }, to: { batch: { requests: 20 } } }
  ordered: { match: { path: /ordered }, to: { batch: { parallel: 1 } } }
`;
  writeFileSync(join(folder, 'batches.yaml'), batches);
  const destinationOf = async (path: string) => (await explained('POST', path, '--config', 'batches.yaml')).route?.destination;
  assert.equal(await destinationOf('/batch'), 'a batch of at most 20 requests, up to 8 at the same time, each by its own route');
  assert.equal(await destinationOf('/ordered'), 'a batch of at most 50 requests, one after the other, each by its own route');
});
