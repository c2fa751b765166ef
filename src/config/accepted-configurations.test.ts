/** What is read from valid configurations: every form of every part at least once. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { headersConfig } from '#policies/headers/config.ts';
import { rewriteConfig } from '#policies/rewrite/config.ts';
import type { Configuration } from './configuration.ts';
import { loadConfigurationText } from './load.ts';
import { defaultRetry } from './retry-defaults.ts';

const policies = [
  { name: 'rewrite', loadConfig: async () => rewriteConfig },
  { name: 'headers', loadConfig: async () => headersConfig },
];

const HEAD = 'version: 1\nlisteners: { web: { address: ":8080" } }\nservices: { orders: { endpoints: [http://orders:3000] } }\n';

async function read(text: string): Promise<Configuration> {
  const { configuration, issues } = await loadConfigurationText(text, '/etc/gatehouse/gatehouse.yaml', { policies, env: {} });
  assert.deepEqual(issues, []);
  assert.ok(configuration);
  return configuration;
}

async function readRoute(route: string): Promise<Configuration['routes'][string]> {
  const { routes } = await read(`${HEAD}routes: { it: { ${route} } }`);
  return routes['it']!;
}

const defaultHttp2 = {
  streams: 128,
  headerListBytes: 32_768,
  windowBytes: 262_144,
  connectionWindowBytes: 1_048_576,
  resetsPerMinute: 1_000,
};

test('fills in every default of the shortest configuration', async () => {
  assert.deepEqual(await read('version: 1\nlisteners: { web: { address: "0.0.0.0:8080" } }'), {
    version: 1,
    listeners: {
      web: {
        address: { host: '0.0.0.0', port: 8080 },
        http2: defaultHttp2,
        maxConnections: 10_000,
        trustedProxies: [],
        timeouts: { head: 10_000, bodyIdle: 60_000, keepAlive: 75_000, tunnelIdle: 3_600_000, linger: 5_000 },
        limits: { headBytes: 65_536, fieldCount: 128 },
      },
    },
    services: {},
    consumers: {},
    routes: {},
    accessLog: { flushEvery: 200, logs: [{ to: { kind: 'stdout' } }] },
    log: { level: 'info', to: { kind: 'stderr' } },
    shutdown: { delay: 0, deadline: 30_000 },
    dns: { ttlMin: 1_000, ttlMax: 300_000 },
    forwarding: { via: 'gatehouse' },
    rateLimits: { keys: 1_000_000 },
    quotas: { keys: 100_000 },
    stores: { memory: { size: 67_108_864 }, cache: { size: 67_108_864 } },
    history: { keep: 20 },
  });
});

test('reads an access log that goes to several places, with what each says of its own lines', async () => {
  const { accessLog, log, routes } = await read(`${HEAD}accessLog:
  sample: 10%
  format: common
  to:
    - stdout
    - { otlp: "http://collector:4318/", headers: { Authorization: Bearer x }, ca: ca.pem }
    - to: { file: slow.log, rotate: { size: 1MB, every: 24h } }
      format: json
      sample: { share: 100% }
      filter: { status: [404, 5xx], slowerThan: 1s }
    - { to: { syslog: "udp://[::1]", app: shop }, redact: [client] }
    - { to: { otlp: "http://collector/v1/logs" } }
log: { level: warn, to: { file: events.log } }
routes: { quiet: { match: { path: /a }, accessLog: false, to: orders }, few: { match: { path: /b }, accessLog: { sample: 0.5% }, to: orders } }
`);
  assert.ok(accessLog !== false);
  const [stdout, otlp, slow, syslog, other] = accessLog.logs;
  assert.equal(accessLog.logs.length, 5);
  assert.deepEqual(stdout?.to, { kind: 'stdout' });
  assert.equal(stdout?.format?.kind, 'text');
  assert.deepEqual(stdout?.sample, { share: 0.1, errors: 'always', always: undefined });
  assert.ok(otlp?.to.kind === 'otlp' && other?.to.kind === 'otlp');
  const { headers, ...place } = otlp.to;
  const url = 'http://collector:4318/v1/logs';
  assert.deepEqual(place, { kind: 'otlp', url, timeout: 10_000, retryFor: 300_000, gzip: true, ca: '/etc/gatehouse/ca.pem' });
  assert.equal(headers['authorization']?.reveal(), 'Bearer x');
  assert.equal(other.to.url, 'http://collector/v1/logs');
  const rotate = { size: 1_000_000, every: 86_400_000, keep: 10, gzip: false };
  assert.deepEqual(slow?.to, { kind: 'file', file: '/etc/gatehouse/slow.log', rotate });
  assert.deepEqual(slow.format, { kind: 'json' });
  assert.deepEqual(slow.sample, { share: 1, errors: 'always' });
  const status = [
    { first: 404, last: 404 },
    { first: 500, last: 599 },
  ];
  assert.deepEqual(slow.filter, { status, slowerThan: 1_000 });
  const server = { transport: 'udp', host: '::1', port: 514 };
  assert.deepEqual(syslog?.to, { kind: 'syslog', server, facility: 'local0', app: 'shop', sequence: false });
  assert.deepEqual(syslog.redact, { also: [{ kind: 'client' }], not: [] });
  assert.deepEqual(log, { level: 'warn', to: { kind: 'file', file: '/etc/gatehouse/events.log' } });
  assert.deepEqual([routes['quiet']?.accessLog, routes['few']?.accessLog], [false, { sample: 0.005 }]);
});

test('reads an error log that goes to a syslog server', async () => {
  const { log } =
    await read(`${HEAD}log: { to: { syslog: "tls://logs.example.com", facility: daemon, maxMessage: 2KiB, sequence: true, ca: ca.pem } }
`);
  const server = { transport: 'tls', host: 'logs.example.com', port: 6514 };
  const place = { kind: 'syslog', server, facility: 'daemon', app: 'gatehouse', maxMessage: 2048, sequence: true };
  assert.deepEqual(log, { level: 'info', to: { ...place, ca: '/etc/gatehouse/ca.pem' } });
});

test('reads an access log that goes to Kafka', async () => {
  const { accessLog } = await read(`${HEAD}accessLog:
  to:
    - { kafka: { brokers: [kafka-1:9092], topic: logs } }
    - to:
        kafka:
          brokers: ["[::1]:9093", "kafka-2.example.com:9093"]
          topic: gate.access_log-1
          acks: leader
          compression: zstd
          maxBatch: 1MiB
          timeout: 2s
          tls: { ca: ca.pem, serverName: kafka.example.com, certificate: { cert: gate.pem, key: gate.key } }
          sasl: { mechanism: scram-sha-512, username: gate, password: hunter2 }
      sample: 10%
    - { kafka: { brokers: [kafka-1:9092], topic: logs, tls: true } }
`);
  assert.ok(accessLog !== false);
  const [first, second, third] = accessLog.logs.map(({ to }) => to);
  const brokers = [{ host: 'kafka-1', port: 9092 }];
  const defaults = { acks: 'all', compression: 'gzip', maxBatch: 524_288, timeout: 10_000 };
  assert.deepEqual(first, { kind: 'kafka', brokers, topic: 'logs', ...defaults });
  assert.ok(second?.kind === 'kafka');
  const { sasl, ...place } = second;
  assert.deepEqual(place, {
    kind: 'kafka',
    brokers: [
      { host: '::1', port: 9093 },
      { host: 'kafka-2.example.com', port: 9093 },
    ],
    topic: 'gate.access_log-1',
    acks: 'leader',
    compression: 'zstd',
    maxBatch: 1_048_576,
    timeout: 2_000,
    tls: {
      ca: '/etc/gatehouse/ca.pem',
      serverName: 'kafka.example.com',
      certificate: { cert: '/etc/gatehouse/gate.pem', key: '/etc/gatehouse/gate.key' },
    },
  });
  assert.deepEqual([sasl?.mechanism, sasl?.username, sasl?.password.reveal()], ['scram-sha-512', 'gate', 'hunter2']);
  assert.doesNotMatch(JSON.stringify(accessLog), /hunter2/);
  assert.deepEqual(third, { ...first, tls: {} });
});

test('reads consumers and keeps hashes of their keys', async () => {
  const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
  const { consumers } = await read(`${HEAD}consumers:
  alice:
    groups: [gold]
    subjects: [u1@login.example.com/, "a@b@login.example.com/realms/shop"]
    keys:
      - alice-2dSxkW0nB5Ue8hQv
      - { key: alice-9yTqLz3mR7Kc1wFe, expires: 2031-05-07 }
      - { sha256: ${sha256.toUpperCase()}, expires: "2031-05-07T12:00:00+02:00" }
  guest: {}`);
  assert.deepEqual(consumers, {
    alice: {
      groups: ['gold'],
      keys: [
        {
          sha256: createHash('sha256').update('alice-2dSxkW0nB5Ue8hQv').digest('hex'),
          shown: 'alice-',
        },
        {
          sha256: createHash('sha256').update('alice-9yTqLz3mR7Kc1wFe').digest('hex'),
          shown: 'alice-',
          expiresMs: Date.UTC(2031, 4, 7),
        },
        { sha256, shown: '', expiresMs: Date.UTC(2031, 4, 7, 10) },
      ],
      hmacKeys: [],
      certificates: [],
      subjects: ['u1@login.example.com', 'a@b@login.example.com/realms/shop'],
    },
    guest: { groups: [], keys: [], hmacKeys: [], certificates: [], subjects: [] },
  });
});

test('reads every way in which endpoints are found', async () => {
  const { services } = await read(`
version: 1
listeners: { web: { address: ":8080" } }
services:
  short: { discover: { dns: { name: Orders.Internal, port: 3000 } } }
  dns: { discover: { dns: { name: _http._tcp.orders, type: SRV, scheme: https, every: 2s } } }
  file: { endpoints: [http://a], discover: { file: ./orders.yaml } }
  plain: { discover: { consul: { service: orders } } }
  consul:
    discover:
      consul: { address: https://consul:8501, service: o, tag: t, datacenter: d, namespace: n, token: x, passingOnly: false, wait: 2m, scheme: https }
`);
  const found = Object.values(services).map(({ discover, endpoints }) => ({ discover, endpointCount: endpoints.length }));
  const consul = { scheme: 'http', host: '127.0.0.1', port: 8500, path: undefined };
  assert.deepEqual(
    JSON.parse(JSON.stringify(found)),
    [
      { discover: { kind: 'dns', name: 'orders.internal', type: 'A+AAAA', port: 3000, scheme: 'http' }, endpointCount: 0 },
      { discover: { kind: 'dns', name: '_http._tcp.orders', type: 'SRV', scheme: 'https', every: 2_000 }, endpointCount: 0 },
      { discover: { kind: 'file', file: '/etc/gatehouse/orders.yaml' }, endpointCount: 1 },
      {
        discover: {
          kind: 'consul',
          address: { ...consul, path: undefined },
          service: 'orders',
          passingOnly: true,
          wait: 60_000,
          scheme: 'http',
        },
        endpointCount: 0,
      },
      {
        discover: {
          kind: 'consul',
          address: { scheme: 'https', host: 'consul', port: 8501 },
          service: 'o',
          tag: 't',
          datacenter: 'd',
          namespace: 'n',
          token: '[redacted]',
          passingOnly: false,
          wait: 120_000,
          scheme: 'https',
        },
        endpointCount: 0,
      },
    ].map((expected) => JSON.parse(JSON.stringify(expected))),
  );
});

test('reads every setting of a listener, with file paths relative to the configuration', async () => {
  const { listeners } = await read(`
version: 1
acme: { challenge: tls-alpn-01 }
services: { orders: { endpoints: ["tcp://o:1"] } }
listeners:
  secure:
    address: "[::1]:8443"
    tls:
      policy: modern
      certificates: [{ cert: certs/a.pem, key: ../a.key, hosts: [Shop.Test, "*.shop.test"] }, { acme: [b.example.com] }]
      unknownHosts: refuse
      ticketRotation: 1h
      clientCertificates: { mode: optional, ca: ca.pem, depth: 2, crl: crl.pem, onFailure: answer, forward: client-cert }
      passthrough: { bank.test: orders }
    http2: { streams: 10, headerListBytes: 8KiB, windowBytes: 64KiB, connectionWindowBytes: 128KiB, resetsPerMinute: 5 }
    proxyProtocol: { from: [10.0.0.0/8] }
    maxConnections: 5
    maxConnectionsPerClient: 2
    trustedProxies: [10.0.0.0/8, "::1"]
    timeouts: { head: 1s, bodyIdle: 2s, keepAlive: 3s, tunnelIdle: 4s, linger: 0s }
    limits: { headBytes: 16KiB, fieldCount: 64 }
    policies: { headers: false }
`);
  assert.deepEqual(listeners['secure'], {
    address: { host: '::1', port: 8443 },
    tls: {
      policy: 'modern',
      certificates: [
        {
          kind: 'file',
          cert: '/etc/gatehouse/certs/a.pem',
          key: '/etc/a.key',
          hosts: [
            { source: 'shop.test', isWildcard: false, name: 'shop.test' },
            { source: '*.shop.test', isWildcard: true, name: '.shop.test' },
          ],
        },
        { kind: 'acme', names: ['b.example.com'] },
      ],
      unknownHosts: 'refuse',
      ticketRotation: 3_600_000,
      clientCertificates: {
        mode: 'optional',
        ca: '/etc/gatehouse/ca.pem',
        depth: 2,
        crl: '/etc/gatehouse/crl.pem',
        onFailure: 'answer',
        forward: 'client-cert',
      },
      passthrough: { 'bank.test': { kind: 'service', services: [{ service: 'orders', weight: 1 }] } },
    },
    http2: { streams: 10, headerListBytes: 8_192, windowBytes: 65_536, connectionWindowBytes: 131_072, resetsPerMinute: 5 },
    proxyProtocol: { from: ['10.0.0.0/8'] },
    maxConnections: 5,
    maxConnectionsPerClient: 2,
    trustedProxies: ['10.0.0.0/8', '::1'],
    timeouts: { head: 1_000, bodyIdle: 2_000, keepAlive: 3_000, tunnelIdle: 4_000, linger: 0 },
    limits: { headBytes: 16_384, fieldCount: 64 },
    policies: { headers: false },
  });
});

const defaultOutliers = {
  consecutiveFailures: 5,
  statuses: [502, 503, 504],
  window: 10_000,
  minRequests: 20,
  ejection: 10_000,
  ejectionMax: 300_000,
  maxEjected: 0.5,
};

test('reads what services and routes say of time and further attempts', async () => {
  const { services, routes } = await read(`${HEAD.replace(/services.*/, '')}
services:
  orders:
    endpoints: [http://a]
    timeouts: { attempt: 2s, request: 10s }
    retry:
      attempts: 4
      on: [connect, 503]
      grpcStatuses: [unavailable]
      methods: [POST]
      bodyMax: 1KiB
      backoff: { base: 1ms, max: 2ms }
      retryAfterMax: 5s
      budget: { ratio: 0.5%, minPerSecond: 0.1 }
    hedge: { after: p99.5, max: 2 }
  once: { endpoints: [http://b], retry: false, hedge: { after: 50ms } }
routes:
  a: { match: {}, to: orders, timeouts: { request: 2s, idle: 1s }, retry: { attempts: 1 } }
  b: { match: { path: /b }, to: orders, retry: false }
`);
  const { timeouts, retry, hedge } = services['orders']!;
  assert.deepEqual(timeouts, { connect: 5_000, firstByte: 60_000, idle: 60_000, attempt: 2_000, request: 10_000 });
  assert.deepEqual(retry, {
    attempts: 4,
    on: ['connect', 503],
    grpcStatuses: ['unavailable'],
    methods: ['POST'],
    bodyMax: 1_024,
    backoff: { base: 1, max: 2 },
    retryAfterMax: 5_000,
    budget: { ratio: 0.005, minPerSecond: 0.1 },
  });
  assert.deepEqual(hedge, { after: { kind: 'quantile', share: 0.995 }, max: 2 });
  assert.equal(services['once']?.retry, false);
  assert.deepEqual(services['once']?.hedge, { after: { kind: 'fixed', ms: 50 }, max: 1 });
  assert.deepEqual(routes['a']?.timeouts, { request: 2_000, idle: 1_000 });
  assert.deepEqual(routes['a']?.retry, { attempts: 1 });
  assert.equal(routes['b']?.retry, false);
});

test('reads every setting of a service', async () => {
  const { services } = await read(`${HEAD.replace(/services.*/, '')}
services:
  orders:
    endpoints: ["https://10.0.0.11", { url: "unix:/run/orders.sock", weight: 3 }, { url: "http://o:1" }]
    timeouts: { connect: 1s, firstByte: 2s, idle: 3s }
    pool: { connections: 1, idle: 0s, queue: 0, queueTimeout: 1ms }
    host: { name: "orders.internal:8080" }
    protocol: http2
    tls: { ca: ca.pem, crl: crl.pem, serverName: Orders.Internal, certificate: { cert: us.pem, key: /keys/us.key } }
  catalogue: { endpoints: [http://catalogue], host: endpoint, proxyProtocol: v2 }
  postgres: { endpoints: ["tcp://pg:5432", "tls://pg:5433"], tls: { verify: dangerously-off, alpn: [postgresql] } }
`);
  assert.deepEqual(services['orders'], {
    endpoints: [
      { url: { scheme: 'https', host: '10.0.0.11', port: 443, path: undefined }, weight: 1, priority: 0 },
      { url: { scheme: 'http', host: 'localhost', port: 80, path: '/run/orders.sock' }, weight: 3, priority: 0 },
      { url: { scheme: 'http', host: 'o', port: 1, path: undefined }, weight: 1, priority: 0 },
    ],
    balance: { kind: 'round-robin' },
    timeouts: { connect: 1_000, firstByte: 2_000, idle: 3_000 },
    retry: defaultRetry,
    pool: { connections: 1, idle: 0, queue: 0, queueTimeout: 1 },
    host: { name: 'orders.internal:8080' },
    protocol: 'http2',
    tls: {
      ca: '/etc/gatehouse/ca.pem',
      crl: '/etc/gatehouse/crl.pem',
      serverName: 'orders.internal',
      certificate: { cert: '/etc/gatehouse/us.pem', key: '/keys/us.key' },
    },
    outliers: defaultOutliers,
  });
  assert.deepEqual(services['catalogue']?.timeouts, { connect: 5_000, firstByte: 60_000, idle: 60_000 });
  assert.deepEqual(services['catalogue']?.pool, { connections: 1024, idle: 60_000, queue: 1024, queueTimeout: 5_000 });
  assert.equal(services['catalogue']?.host, 'endpoint');
  assert.equal(services['catalogue']?.protocol, 'http1');
  assert.equal(services['catalogue']?.proxyProtocol, 'v2');
  assert.deepEqual(services['postgres']?.tls, { verify: 'dangerously-off', alpn: ['postgresql'] });
});

test('reads every way to check endpoints, and to leave them out', async () => {
  const { services } = await read(`${HEAD.replace(/services.*/, '')}
services:
  short: { endpoints: [http://a], health: { path: /healthz } }
  http:
    endpoints: [http://a]
    health:
      path: /up?deep=1
      method: HEAD
      host: up.test
      headers: { X-Probe: "yes" }
      expect: { statuses: [204, "300-399"], text: fine }
      every: 1s
      timeout: 500ms
      unhealthyAfter: 1
      healthyAfter: 4
      port: 8081
  tcp: { endpoints: ["tcp://a:1"], health: { tcp: true, every: 10s }, outliers: false }
  grpc: { endpoints: [http://a], protocol: http2, health: { grpc: true } }
  named:
    endpoints: [http://a]
    protocol: http2
    health: { grpc: { service: shop.v1.Orders } }
    outliers:
      consecutiveFailures: 1
      statuses: []
      failureRate: 20%
      latency: { factor: 2, floor: 50ms }
      window: 30s
      minRequests: 5
      ejection: 1s
      ejectionMax: 1m
      maxEjected: 100%
`);
  const timing = { every: 5_000, timeout: 2_000, unhealthyAfter: 3, healthyAfter: 2 };
  assert.deepEqual(services['short']?.health, {
    path: '/healthz',
    method: 'GET',
    expect: { statuses: [{ from: 200, to: 299 }] },
    ...timing,
  });
  assert.deepEqual(services['http']?.health, {
    path: '/up?deep=1',
    method: 'HEAD',
    host: 'up.test',
    headers: { 'x-probe': 'yes' },
    expect: {
      statuses: [
        { from: 204, to: 204 },
        { from: 300, to: 399 },
      ],
      text: 'fine',
    },
    every: 1_000,
    timeout: 500,
    unhealthyAfter: 1,
    healthyAfter: 4,
    port: 8081,
  });
  assert.deepEqual(services['tcp']?.health, { tcp: true, ...timing, every: 10_000 });
  assert.equal(services['tcp']?.outliers, false);
  assert.deepEqual(services['grpc']?.health, { grpc: {}, ...timing });
  assert.deepEqual(services['named']?.health, { grpc: { service: 'shop.v1.Orders' }, ...timing });
  assert.deepEqual(services['named']?.outliers, {
    consecutiveFailures: 1,
    statuses: [],
    failureRate: 0.2,
    latency: { factor: 2, floor: 50 },
    window: 30_000,
    minRequests: 5,
    ejection: 1_000,
    ejectionMax: 60_000,
    maxEjected: 1,
  });
});

test('reads everything that stands beside listeners, services and routes', async () => {
  const configuration = await read(`${HEAD}
$schema: ./gatehouse.schema.json
admin: { address: "127.0.0.1:9080" }
threads: 0
accessLog: { to: { file: logs/access.log }, flushEvery: 1s }
shutdown: { delay: 5s, deadline: 1m }
dns: { servers: [10.0.0.2, "10.0.0.3:5353", "::1", "[::1]:53"], ttlMin: 5s, ttlMax: 5s }
forwarding: { via: edge-1 }
policies: { headers: { request: { remove: [X-Debug] } } }
`);
  const address = { host: '127.0.0.1', port: 9080 };
  assert.deepEqual(configuration.admin, { address, tokens: {}, apply: false, protectMetrics: false });
  assert.equal(configuration.threads, 0);
  assert.deepEqual(configuration.accessLog, {
    flushEvery: 1_000,
    logs: [{ to: { kind: 'file', file: '/etc/gatehouse/logs/access.log' } }],
  });
  assert.deepEqual(configuration.shutdown, { delay: 5_000, deadline: 60_000 });
  assert.deepEqual(configuration.dns, {
    servers: ['10.0.0.2', '10.0.0.3:5353', '::1', '[::1]:53'],
    ttlMin: 5_000,
    ttlMax: 5_000,
  });
  assert.deepEqual(configuration.forwarding, { via: 'edge-1' });
  assert.deepEqual(configuration.policies, { headers: { request: { remove: ['x-debug'], set: [], add: [], rename: [] } } });
});

test('writes no access log when it is switched off', async () => {
  assert.equal((await read(`${HEAD}accessLog: false`)).accessLog, false);
});

test('reads a match with one of each, and makes lists of them', async () => {
  const { matches } = await readRoute(
    'to: orders, match: { host: Shop.example.com, path: /a/:id, method: GET, clientIp: 10.0.0.0/8, listener: web }',
  );
  assert.deepEqual(matches, [
    {
      hosts: ['shop.example.com'],
      paths: [{ source: '/a/:id', segments: [{ literal: 'a' }, { capture: 'id' }], isPrefix: false }],
      methods: ['GET'],
      headers: undefined,
      query: undefined,
      cookies: undefined,
      clientIps: ['10.0.0.0/8'],
      listeners: ['web'],
    },
  ]);
});

test('reads a list of matches with lists and conditions in them', async () => {
  const { matches } = await readRoute(`to: orders, match: [
    { host: ["*.example.com", b.example], path: [/x, { regex: "/y/.*" }], method: [GET, POST] },
    { headers: { X-A: "1", x-b: { regex: "a|b" } }, query: { q: { present: false } }, cookies: { Session: "" } } ]`);
  const [first, second] = matches;
  assert.deepEqual(first?.hosts, ['*.example.com', 'b.example']);
  assert.deepEqual(first?.paths, [{ source: '/x', segments: [{ literal: 'x' }], isPrefix: false }, { regex: '/y/.*' }]);
  assert.deepEqual(first?.methods, ['GET', 'POST']);
  assert.deepEqual(second?.headers, { 'x-a': { equals: '1' }, 'x-b': { regex: 'a|b' } });
  assert.deepEqual(second?.query, { q: { present: false } });
  assert.deepEqual(second?.cookies, { Session: { equals: '' } });
});

const orders = { kind: 'service', services: [{ service: 'orders', weight: 1 }] };
for (const to of ['orders', '{ service: orders }', '[{ service: orders }]', '[{ service: orders, weight: 1 }]']) {
  test(`sends requests to a service that is written as ${to}`, async () => {
    assert.deepEqual((await readRoute(`match: {}, to: ${to}`)).to, orders);
  });
}

test('reads a split that keeps requests together, with a fallback', async () => {
  const services = [
    { service: 'orders', weight: 9 },
    { service: 'orders', weight: 1 },
  ];
  const split = 'services: [{ service: orders, weight: 9 }, { service: orders }]';
  const head = HEAD.replace('orders: {', 'spare: { endpoints: [http://spare:3000] }, orders: {');
  const readTo = async (rest: string) =>
    (await read(`${head}routes: { it: { match: {}, to: { ${split}, ${rest} } } }`)).routes['it']?.to;
  for (const [sticky, expected] of [
    ['{ by: ip }', { kind: 'ip' }],
    ['{ by: header.X-Account }', { kind: 'header', name: 'x-account' }],
    ['{ by: cookie.Release }', { kind: 'cookie', name: 'Release', path: '/' }],
    ['{ by: cookie.r, ttl: 1h, path: /shop }', { kind: 'cookie', name: 'r', path: '/shop', ttlMs: 3_600_000 }],
  ] as const)
    assert.deepEqual(await readTo(`sticky: ${sticky}`), { kind: 'service', services, sticky: expected });
  assert.deepEqual(await readTo('fallback: { service: spare, when: [timeout, 503] }'), {
    kind: 'service',
    services,
    fallback: { to: { kind: 'service', service: 'spare' }, when: ['timeout', 503] },
  });
  assert.deepEqual(await readTo('fallback: { respond: { status: 204 } }'), {
    kind: 'service',
    services,
    fallback: {
      to: { kind: 'respond', status: 204, headers: [], body: undefined },
      when: ['unavailable', 'failure', 'timeout'],
    },
  });
});

test('reads a redirect and leaves open what it does not say', async () => {
  assert.deepEqual(
    (await readRoute('match: { path: "/a/:id" }, to: { redirect: { scheme: https, path: "/b/${path.id}" } }')).to,
    {
      kind: 'redirect',
      scheme: 'https',
      host: undefined,
      port: undefined,
      path: { source: '/b/${path.id}', parts: ['/b/', { kind: 'capture', name: 'id' }] },
      query: undefined,
      status: 302,
    },
  );
});

test('reads a batch with its defaults, and one that says everything', async () => {
  const batch = {
    kind: 'batch',
    requestsMax: 50,
    parallel: 8,
    onFailure: 'continue',
    inherit: [],
    origins: [],
    cookies: 'answer',
    status: 200,
    bodyBytesMax: 1_048_576,
    answerBytesMax: 1_048_576,
    totalBytesMax: 8_388_608,
    itemTimeoutMs: 10_000,
    timeoutMs: 30_000,
  };
  assert.deepEqual((await readRoute('match: {}, to: { batch: {} }')).to, batch);
  const written =
    'requests: 1000, parallel: 1, onFailure: stop, inherit: [X-Tenant], origins: ["https://*.example.com"], cookies: entry, status: 207, bodyBytes: 2MiB, answerBytes: 3MiB, totalBytes: 4MiB, requestTimeout: 5s, timeout: 1m';
  assert.deepEqual((await readRoute(`match: {}, to: { batch: { ${written} } }`)).to, {
    kind: 'batch',
    requestsMax: 1_000,
    parallel: 1,
    onFailure: 'stop',
    inherit: ['x-tenant'],
    origins: ['https://*.example.com'],
    cookies: 'entry',
    status: 207,
    bodyBytesMax: 2_097_152,
    answerBytesMax: 3_145_728,
    totalBytesMax: 4_194_304,
    itemTimeoutMs: 5_000,
    timeoutMs: 60_000,
  });
});

test('reads a fixed answer in text', async () => {
  assert.deepEqual((await readRoute('match: {}, to: { respond: { status: 404, headers: { X-A: b }, text: no } }')).to, {
    kind: 'respond',
    status: 404,
    headers: [{ name: 'x-a', value: { source: 'b', parts: ['b'] } }],
    body: { contentType: 'text/plain; charset=utf-8', template: { source: 'no', parts: ['no'] }, escaping: 'none' },
  });
});

test('reads a fixed answer in JSON as one template', async () => {
  assert.deepEqual((await readRoute('match: { path: "/:n" }, to: { respond: { json: { hello: "${path.n}", n: null } } }')).to, {
    kind: 'respond',
    status: 200,
    headers: [],
    body: {
      contentType: 'application/json',
      template: {
        source: '{"hello":"${path.n}","n":null}',
        parts: ['{"hello":"', { kind: 'capture', name: 'n' }, '","n":null}'],
      },
      escaping: 'json',
    },
  });
});

test('reads a fixed answer without a body', async () => {
  assert.deepEqual((await readRoute('match: {}, to: { respond: { status: 204 } }')).to, {
    kind: 'respond',
    status: 204,
    headers: [],
    body: undefined,
  });
});

test('reads the folder of files, alone or with what is set beside it', async () => {
  const plain = {
    kind: 'files',
    folder: '/srv/site',
    index: 'index.html',
    allowsDotfiles: false,
    followsLinks: false,
    keptMs: 1_000,
    precompressed: [],
    types: {},
    charset: 'utf-8',
    cacheControl: [],
    fallback: undefined,
    notFound: undefined,
  };
  assert.deepEqual((await readRoute('match: { path: [/, "/a/*"] }, to: { files: /srv/site }')).to, plain);
  assert.deepEqual((await readRoute('match: {}, to: { files: { folder: /srv/site } }')).to, plain);
  const values =
    'index: false, charset: false, dotfiles: true, outsideLinks: true, recheck: 0s, fallback: a.html, notFound: b/c.html';
  const lists = 'precompressed: [gzip, br], types: { md: text/markdown; charset=x }, cacheControl: no-cache';
  assert.deepEqual((await readRoute(`match: {}, to: { files: { folder: /srv/site, ${values}, ${lists} } }`)).to, {
    ...plain,
    index: undefined,
    charset: undefined,
    allowsDotfiles: true,
    followsLinks: true,
    keptMs: 0,
    fallback: 'a.html',
    notFound: 'b/c.html',
    precompressed: ['gzip', 'br'],
    types: { md: 'text/markdown; charset=x' },
    cacheControl: [{ files: '**', value: 'no-cache' }],
  });
});

test('knows captures of paths, of expressions and of the star', async () => {
  await readRoute('match: [{ path: "/a/:id/*" }, { path: { regex: "/(?<id>.*)" } }], to: { redirect: { path: "/${path.id}" } }');
  await readRoute('match: { path: [/a/*, /b/*] }, to: orders, policies: { rewrite: { path: "/c/${path.*}" } }');
});

test('merges maps of YAML', async () => {
  const { listeners } = await read(
    'version: 1\nlisteners:\n  a: &a { address: ":1", maxConnections: 7 }\n  b: { <<: *a, address: ":2" }',
  );
  assert.deepEqual([listeners['b']?.address, listeners['b']?.maxConnections], [{ host: '::', port: 2 }, 7]);
});

test('reads texts of any system, with comments alone before them', async () => {
  const { listeners } = await read(
    '\uFEFF# ours\r\n%YAML 1.2\r\n---\r\nversion: 1\r\nlisteners:\r\n  web: { address: ":1" }\r\n...\r\n',
  );
  assert.deepEqual(Object.keys(listeners), ['web']);
});

test('reads JSON, also when it is indented with tabs', async () => {
  const { listeners } = await read('{\n\t"version": 1,\n\t"listeners": {\n\t\t"web": { "address": ":8080" }\n\t}\n}\n');
  assert.deepEqual(Object.keys(listeners), ['web']);
});

test('takes names that objects have by themselves', async () => {
  const { routes } = await read(
    'version: 1\nlisteners: { web: { address: ":1" } }\nservices: { constructor: { endpoints: [http://a] } }\nroutes: { valueOf: { match: {}, to: constructor } }',
  );
  assert.deepEqual(Object.keys(routes), ['valueOf']);
});

test('survives JSON on its way to the data threads', async () => {
  const configuration = await read(
    `${HEAD}routes: { a: { match: { path: { regex: "/x.*" } }, to: orders }, b: { match: { path: "/:n" }, to: { respond: { text: "\${path.n}" } } } }`,
  );
  assert.equal(JSON.stringify(JSON.parse(JSON.stringify(configuration))), JSON.stringify(configuration));
});
