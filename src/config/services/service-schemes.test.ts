/** Settings that depend on what endpoints speak: the same is said whether endpoints are named or found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../issue.ts';
import { loadConfigurationText } from '../load.ts';

const SECRET = 'a-secret-that-is-long-enough';

/** In line 5 stands where endpoints come from, in line 6 a setting. */
async function findIssues(endpoints: string, setting: string): Promise<string[]> {
  const text = `version: 1\nlisteners: { web: { address: ":80" } }\nservices:\n  it:\n    ${endpoints}\n    ${setting}\n`;
  const { issues } = await loadConfigurationText(text, '/etc/gatehouse.yaml', { policies: [], env: {}, shownAs: 'F' });
  return issues.map((issue) => formatIssue(issue));
}

const NO_HTTP = 'no endpoint uses `http` or `https`';

/** What only requests have. `SCHEME` stands for the scheme of the endpoints. */
const HTTP_SETTINGS: readonly (readonly [setting: string, issue: string])[] = [
  ['breaker: {}', `F:6:14 services.it.breaker: ${NO_HTTP}, so \`breaker\` would have no effect`],
  ['concurrency: { max: 9 }', `F:6:18 services.it.concurrency: ${NO_HTTP}, so \`concurrency\` would have no effect`],
  ['hedge: { after: 50ms }', `F:6:12 services.it.hedge: ${NO_HTTP}, so \`hedge\` would have no effect`],
  ['protocol: http2', `F:6:15 services.it.protocol: ${NO_HTTP}, so \`protocol\` would have no effect`],
  [
    'balance: { hash: { by: header.x-user } }',
    'F:6:28 services.it.balance.hash.by: nobody reads the bytes of `tcp` and `tls`, so there is no header; use `ip`',
  ],
  [
    'balance: { hash: { by: cookie.user } }',
    'F:6:28 services.it.balance.hash.by: nobody reads the bytes of `tcp` and `tls`, so there is no cookie; use `ip`',
  ],
  [
    `affinity: { cookie: at, secret: ${SECRET} }`,
    'F:6:15 services.it.affinity: nobody reads the bytes of `tcp` and `tls`, so there are no cookies; `balance: { hash: { by: ip } }` keeps clients apart',
  ],
  ...[
    ['retry: { on: [503] }', '5', '', 'retry'],
    ['retry: false', '5', '', 'retry'],
    ['pool: { queue: 1 }', '5', '', 'pool'],
    ['host: endpoint', '5', '', 'host'],
    ['timeouts: { firstByte: 1s }', '17', '.timeouts', 'firstByte'],
    ['timeouts: { attempt: 1s }', '17', '.timeouts', 'attempt'],
    ['timeouts: { request: 1s }', '17', '.timeouts', 'request'],
    ['outliers: { statuses: [503] }', '17', '.outliers', 'statuses'],
  ].map(
    ([setting, column, parent, name]) =>
      [
        setting!,
        `F:6:${column} services.it${parent}.${name}: endpoints with \`SCHEME\` take bytes, one connection for each client, so \`${name}\` would have no effect; leave it out`,
      ] as const,
  ),
];

const BYTE_ENDPOINTS: readonly (readonly [what: string, endpoints: string, scheme: string])[] = [
  ['that are named', 'endpoints: ["tcp://a:1"]', 'tcp'],
  ['that DNS names', 'discover: { dns: { name: a, port: 1, scheme: tcp } }', 'tcp'],
  ['that Consul names', 'discover: { consul: { service: a, scheme: tls } }', 'tls'],
  ['of a file beside one that is named', 'endpoints: ["tcp://a:1"]\n    discover: { file: ./a.yaml }', 'tcp'],
];

for (const [what, endpoints, scheme] of BYTE_ENDPOINTS) {
  for (const [setting, issue] of HTTP_SETTINGS) {
    test(`refuses \`${setting}\` for bytes to endpoints ${what}`, async () => {
      const lines = endpoints.split('\n').length - 1;
      const expected = issue.replace('SCHEME', scheme).replace('F:6', `F:${6 + lines}`);
      assert.deepEqual(await findIssues(endpoints, setting), [expected]);
    });
  }
}

const MEANT_FOR_BYTES = ['balance: { hash: { by: ip } }', 'timeouts: { connect: 1s }', 'outliers: { ejection: 1s }'];
for (const [what, endpoints] of BYTE_ENDPOINTS) {
  test(`takes what means something for bytes to endpoints ${what}`, async () => {
    for (const setting of MEANT_FOR_BYTES) assert.deepEqual(await findIssues(endpoints, setting), []);
  });
}

test('what a file with endpoints will say is not known, so it may make use of every setting', async () => {
  for (const [setting] of HTTP_SETTINGS) assert.deepEqual(await findIssues('discover: { file: ./a.yaml }', setting), []);
  const beside = 'endpoints: [http://a]\n    discover: { file: ./a.yaml }';
  assert.deepEqual(await findIssues(beside, 'tls: { serverName: b }'), []);
  // `tls` would stand beside `http`, which is refused when the file is read.
  assert.deepEqual(await findIssues(beside, 'tls: { alpn: [a] }'), [
    'F:7:18 services.it.tls.alpn: no endpoint uses `tls`, so `alpn` would have no effect; for `https`, `protocol` decides',
  ]);
});

test('endpoints that are found for HTTP take all that requests have', async () => {
  const found = 'discover: { dns: { name: a, port: 1, scheme: https } }';
  for (const [setting] of HTTP_SETTINGS) assert.deepEqual(await findIssues(found, setting), []);
});

test('endpoints without weight may stand beside those that are found', async () => {
  assert.deepEqual(await findIssues('endpoints: [{ url: http://a, weight: 0 }]', 'discover: { consul: { service: a } }'), []);
});
