import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigurationText } from '../load.ts';

async function load(service: string, routes = '') {
  const text = `version: 1\nlisteners: { web: { address: ":80" } }\nservices: { it: { ${service} } }\nroutes: { ${routes} }\n`;
  return loadConfigurationText(text, '/etc/gatehouse.yaml', { policies: [], env: {} });
}

const endpoints = 'endpoints: [http://a]';

test('fills in the defaults of a breaker and of an adaptive limit', async () => {
  const { configuration } = await load(`${endpoints}, breaker: {}, concurrency: { adaptive: true }`);
  const { breaker, concurrency } = configuration!.services['it']!;
  assert.deepEqual(breaker, { failures: 0.5, over: 10_000, minRequests: 20, openFor: 5_000, probes: 3, per: 'service' });
  assert.deepEqual(concurrency, { adaptive: { min: 2, max: 1_000 }, queueTimeout: 1_000 });
});

test('without settings there is no protection', async () => {
  const { configuration } = await load(endpoints, 'it: { match: { path: / }, to: it }');
  const { breaker, concurrency } = configuration!.services['it']!;
  assert.deepEqual([breaker, concurrency, configuration!.routes['it']!.importance], [undefined, undefined, undefined]);
});

for (const [mistake, service, routes, path, message] of [
  [
    'a limit of nothing',
    `${endpoints}, concurrency: { queue: 5 }`,
    '',
    'services.it.concurrency',
    'nothing is limited; set `max`, `perEndpoint` or `adaptive`, or leave `concurrency` out',
  ],
  [
    'bounds in the wrong order',
    `${endpoints}, concurrency: { adaptive: { min: 9, max: 8 } }`,
    '',
    'services.it.concurrency.adaptive.min',
    '`min` (9) is above `max` (8)',
  ],
  [
    'a bound that no limit could reach',
    `${endpoints}, concurrency: { max: 4, adaptive: { min: 9 } }`,
    '',
    'services.it.concurrency.adaptive',
    '`adaptive.min` (9) is above `max` (4), so the limit could never adapt',
  ],
  [
    'a breaker that opens without a failure',
    `${endpoints}, breaker: { failures: 0% }`,
    '',
    'services.it.breaker.failures',
    'with `0%` it would open when nothing has failed; write a share above it, such as `1%`',
  ],
  [
    'a breaker where there are no requests',
    'endpoints: ["tcp://a:1"], breaker: {}',
    '',
    'services.it.breaker',
    'no endpoint uses `http` or `https`, so `breaker` would have no effect',
  ],
  [
    'importance where nothing is limited',
    `${endpoints}, breaker: {}`,
    'r: { match: { path: / }, importance: low, to: it }',
    'routes.r.importance',
    'no service of the route has `concurrency` (it), and there is no `overload`, so `importance` would have no effect',
  ],
  [
    'importance of a fixed answer',
    endpoints,
    'r: { match: { path: / }, importance: low, to: { respond: { text: ok } } }',
    'routes.r.importance',
    'the route goes to no service, so `importance` would have no effect',
  ],
] as const) {
  test(`refuses ${mistake}`, async () => {
    const { issues } = await load(service, routes);
    assert.deepEqual(
      issues.map((issue) => [issue.path.join('.'), issue.message]),
      [[path, message]],
    );
  });
}

test('importance counts where one of several services has a limit', async () => {
  const { issues } = await load(
    `${endpoints}, concurrency: { max: 1 } }, other: { endpoints: [http://b]`,
    'r: { match: { path: / }, importance: low, to: [{ service: it, weight: 1 }, { service: other, weight: 1 }] }',
  );
  assert.deepEqual(issues, []);
});

for (const [what, to] of [
  ['a split that is written with `services`', '{ services: [{ service: other }, { service: it }], sticky: { by: ip } }'],
  ['a service that stands in for another one', '{ service: other, fallback: { service: it } }'],
] as const) {
  test(`importance counts for ${what}`, async () => {
    const { issues } = await load(
      `${endpoints}, concurrency: { max: 1 } }, other: { endpoints: [http://b]`,
      `r: { match: { path: / }, importance: low, to: ${to} }`,
    );
    assert.deepEqual(issues, []);
  });
}
