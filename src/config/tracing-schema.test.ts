import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from './issue.ts';
import { loadConfigurationText } from './load.ts';

/** Four lines, so that what follows begins in line 5. */
const HEAD = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders:3000] } }
routes: { orders: { match: { path: /orders/* }, to: orders } }
`;

const load = (tracing: string) => loadConfigurationText(`${HEAD}tracing: ${tracing}\n`, 'F', { policies: [], env: {} });

test('little has to be said', async () => {
  const { configuration } = await load('{ to: { otlp: "http://127.0.0.1:4318" } }');
  assert.deepEqual(configuration?.tracing, {
    to: { url: 'http://127.0.0.1:4318/v1/traces', headers: {}, timeout: 10_000, retryFor: 300_000, gzip: true },
    sample: 0.01,
    rules: [],
    trust: 'proxies',
    propagate: ['w3c'],
    resource: {},
  });
});

test('everything can be said', async () => {
  const { configuration, issues } = await load(`
  to: { otlp: "https://collector.example.com/otlp", headers: { Authorization: geheim }, timeout: 2s }
  sample: 0.5%
  rules:
    - { match: { path: /healthz }, sample: 0% }
    - { match: [{ headers: { X-Debug: { present: true } }, listener: web }], routes: orders, sample: 100% }
  trust: all
  propagate: [w3c, b3, b3-multi]
  resource: { service.name: shop }`);
  assert.deepEqual(issues, []);
  const { to, rules, ...others } = configuration!.tracing!;
  assert.deepEqual(others, {
    sample: 0.005,
    trust: 'all',
    propagate: ['w3c', 'b3', 'b3-multi'],
    resource: { 'service.name': 'shop' },
  });
  assert.equal(to.url, 'https://collector.example.com/otlp/v1/traces');
  assert.equal(to.headers['authorization']?.reveal(), 'geheim');
  assert.ok(!JSON.stringify(to).includes('geheim'));
  assert.deepEqual(
    rules.map(({ routes, sample, matches }) => [routes, sample, matches?.[0]?.listeners]),
    [
      [undefined, 0, undefined],
      [['orders'], 1, ['web']],
    ],
  );
});

const refused: readonly [mistake: string, text: string, issues: readonly string[]][] = [
  ['no collector', '{ sample: 1% }', ['F:5:1 tracing.to: `to` is missing']],
  [
    'a collector that is no address, and a share without its sign',
    '{ to: { otlp: "collector:4318" }, sample: "0.1" }',
    [
      'F:5:24 tracing.to.otlp: "collector:4318" is not an address; write one such as `http://127.0.0.1:4318`',
      'F:5:52 tracing.sample: "0.1" is not a percentage; write a number with a percent sign, such as `20%`',
    ],
  ],
  [
    'names that there are not',
    '{ to: { otlp: "http://c" }, rules: [{ routes: [ordrs], sample: 1% }, { match: { listener: wep }, sample: 1% }] }',
    [
      'F:5:57 tracing.rules[0].routes[0]: there is no route `ordrs`; did you mean `orders`?',
      'F:5:100 tracing.rules[1].match.listener: there is no listener `wep`; did you mean `web`?',
    ],
  ],
  [
    'a rule for everything',
    '{ to: { otlp: "http://c" }, rules: [{ sample: 1% }] }',
    ['F:5:46 tracing.rules[0]: the rule is for every request; write `match` or `routes`, or only `tracing.sample`'],
  ],
  [
    'a format that nobody knows',
    '{ to: { otlp: "http://c" }, propagate: [jaeger] }',
    ['F:5:50 tracing.propagate[0]: expected `w3c`, `b3` or `b3-multi`, not "jaeger"'],
  ],
];

for (const [mistake, text, expected] of refused)
  test(`refuses ${mistake}`, async () => {
    const { configuration, issues } = await load(text);
    assert.equal(configuration, undefined);
    assert.deepEqual(issues.map(formatIssue), expected);
  });
