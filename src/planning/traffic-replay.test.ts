import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type LoadedConfiguration, loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { makePlan, type PlannedSide } from './plan.ts';
import { replayTraffic, type TrafficReplay } from './traffic-replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-traffic-'));
after(() => rmSync(folder, { recursive: true }));

const old = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://o:1] }, special: { endpoints: [http://s:1] } }
consumers: { alice: {} }
routes:
  orders: { match: { path: /orders/* }, policies: { rate-limit: { limit: 2/hour } }, to: orders }
  mine: { match: { path: /mine }, policies: { api-key: {} }, to: orders }
  old: { match: { path: /old }, to: orders }
`;

function load(text: string) {
  return loadConfigurationText(text, 'gatehouse.yaml', { policies: policyOrder, env: {} });
}

async function replay(present: string, requests: readonly object[], more = ''): Promise<TrafficReplay> {
  const file = join(folder, 'access.log');
  writeFileSync(file, `${requests.map((request) => JSON.stringify(request)).join('\n')}\n${more}`);
  const replayed = await replayTraffic(file, { old: await load(old), new: await load(present) }, new FakeClock());
  return typeof replayed === 'string' ? assert.fail(replayed) : replayed;
}

const logged = (target: string, more: object = {}) => ({
  time: '2026-01-01T00:00:00.000Z',
  client: '192.0.2.1',
  listener: 'web',
  method: 'GET',
  host: 'shop.example',
  target,
  status: 200,
  ...more,
});

test('counts requests that would be refused, lost or answered by others, and shows some of them', async () => {
  const present = old
    .replace('  old: { match: { path: /old }, to: orders }\n', '  special: { match: { path: /orders/special }, to: special }\n')
    .replace('limit: 2/hour }', 'limit: 2/hour }, ip: { deny: [192.0.2.0/24] }');
  const { requests, changed, groups } = await replay(present, [
    logged('/orders/1?token=abc'),
    logged('/orders/2'),
    logged('/orders/2'),
    logged('/orders/3', { client: '198.51.100.1' }),
    logged('/orders/special', { client: '198.51.100.1' }),
    logged('/old'),
    logged('/mine', { consumer: 'alice' }),
    logged('/nowhere'),
  ]);
  assert.deepEqual([requests, changed], [8, 5]);
  assert.deepEqual(groups, [
    {
      before: '200 of orders on the route orders',
      after: '403 GH_IP_REFUSED of ip on the route orders',
      status: { before: 200, after: 403 },
      count: 3,
      examples: ['GET shop.example/orders/1?… from 192.0.2.1', 'GET shop.example/orders/2 from 192.0.2.1 (2 times)'],
    },
    {
      before: '200 of orders on the route orders',
      after: '200 of special on the route special',
      status: { before: 200, after: 200 },
      count: 1,
      examples: ['GET shop.example/orders/special from 198.51.100.1'],
    },
    {
      before: '200 of orders on the route old',
      after: '404 GH_GATEWAY_NO_ROUTE',
      status: { before: 200, after: 404 },
      count: 1,
      examples: ['GET shop.example/old from 192.0.2.1'],
    },
  ]);
});

test('is not misled by limits, by who asks, or by lines that tell of no request', async () => {
  const many = Array.from({ length: 10 }, (_, i) => logged(`/orders/${i}`));
  const { requests, skipped, changed } = await replay(
    old.replace('2/hour', '1/hour'),
    [...many, logged('/mine', { consumer: 'alice' })],
    '{"cut":\nnothing\n{"protocol":"tcp"}\n',
  );
  assert.deepEqual([requests, skipped, changed], [11, 3, 0]);
});

function toSide(loaded: LoadedConfiguration): PlannedSide {
  const { configuration, compiledRoutes } = loaded;
  assert.ok(configuration !== undefined && compiledRoutes !== undefined);
  return { ...loaded, configuration, compiledRoutes };
}

test('becomes a part of the plan', async () => {
  const present = old.replace('  old: { match: { path: /old }, to: orders }\n', '');
  const traffic = await replay(present, [...Array.from({ length: 1_200 }, (_, i) => logged(`/orders/${i % 5}`)), logged('/old')]);
  const [was, is] = [toSide(await load(old)), toSide(await load(present))];
  const { changes } = makePlan(was, is, traffic);
  assert.deepEqual(changes.map(({ grade, what }) => [grade, what]).at(-1), [
    'breaking',
    '1 of 1,201 requests of the log would now get 404 GH_GATEWAY_NO_ROUTE, instead of 200 of orders on the route old',
  ]);
});
