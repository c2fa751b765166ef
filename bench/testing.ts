/**
 * What tests of routes and plans cost: a thousand expectations, and the meaning of a change among ten thousand routes.
 *
 * Usage: node bench/testing.ts [--rounds 5] [--routes 10000] [--markdown]
 *
 * The expectations go one after the other through the whole data plane, policies and a stub included. For the plan, one route of
 * a hundred leads elsewhere, one is gone and the gateway has a policy more; reading the two files is measured by itself. Targets:
 * 1 s for the expectations, 2 s for the plan without the reading.
 */
import type { Configuration } from '#config/configuration.ts';
import { type LoadedConfiguration, loadConfigurationText } from '#config/load.ts';
import { openRoutes } from '#gatehouse/test';
import { makePlan } from '#planning/plan.ts';
import { policyOrder } from '#policies/registry.ts';
import { type BenchResult, report, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 5, routes: 10_000 };
const EXPECTATIONS = 1_000;
const SERVICES = 100;
const targetsMs = { expectations: 1_000, plan: 2_000 };

export async function runTestingBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, routes } = { ...defaults, ...given };
  const old = await readTimed(writeConfiguration(routes, false));
  const present = await readTimed(writeConfiguration(routes, true));
  report(`read ${routes} routes twice`);
  const planMs: number[] = [];
  const expectationsMs: number[] = [];
  for (let count = 0; count < rounds; count += 1) {
    planMs.push(await timeOf(() => makePlan(old.loaded, present.loaded, undefined)));
    expectationsMs.push(await timeExpectations());
    report(`round ${count + 1} of ${rounds}`);
  }
  return {
    name: 'testing',
    rows: [
      { what: `${EXPECTATIONS} expectations`, ms: round(median(expectationsMs), 0), target: targetsMs.expectations },
      { what: `plan of ${routes} routes`, ms: round(median(planMs), 0), target: targetsMs.plan },
      { what: `reading ${routes} routes, one file`, ms: round(median([old.ms, present.ms]), 0), target: '' },
    ],
  };
}

async function timeExpectations(): Promise<number> {
  const gateway = await openRoutes({
    version: 1,
    listeners: { web: { address: ':0' } },
    services: { orders: { endpoints: ['http://orders'] } },
    consumers: { alice: { groups: ['gold'] } },
    routes: {
      orders: {
        match: { host: 'shop.example', path: '/orders/:id' },
        policies: {
          'api-key': {},
          authorize: { groups: ['gold'] },
          'rate-limit': { limit: '1000000/minute' },
          headers: { request: { set: { x: '1' } } },
        },
        to: 'orders',
      },
    },
  });
  gateway.stub('orders', { '/orders/*': { json: { id: 5 } } });
  const alice = gateway.as('alice');
  const ms = await timeOf(async () => {
    for (let i = 0; i < EXPECTATIONS; i += 1)
      await alice
        .expectRoute('GET', `https://shop.example/orders/${i}`)
        .toReach('orders')
        .toAnswer({ json: { id: 5 } });
  });
  await gateway.close();
  return ms;
}

async function timeOf(run: () => unknown): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

async function readTimed(text: string): Promise<{ loaded: LoadedConfiguration & { configuration: Configuration }; ms: number }> {
  const startMs = performance.now();
  const loaded = await loadConfigurationText(text, 'gatehouse.yaml', { policies: policyOrder, env: {} });
  const { configuration } = loaded;
  if (configuration === undefined) throw new Error(`refused: ${loaded.issues[0]?.message}`);
  return { loaded: { ...loaded, configuration }, ms: performance.now() - startMs };
}

function writeConfiguration(routes: number, isChanged: boolean): string {
  const services = Array.from({ length: SERVICES }, (_, i) => `  s${i}: { endpoints: ["http://10.0.0.${i}"] }\n`);
  const lines = Array.from({ length: routes }, (_, i) => {
    if (isChanged && i === 1) return '';
    const service = (isChanged && i % 100 === 0 ? i + 1 : i) % SERVICES;
    return `  r${i}: { match: { host: h${i % 50}.example.com, path: /a${i}/* }, policies: { rate-limit: { limit: 100/minute } }, to: s${service} }\n`;
  });
  const policies = isChanged ? 'policies: { ip: { deny: [192.0.2.0/24] } }\n' : '';
  return `version: 1\nlisteners: { web: { address: ":8080" } }\nservices:\n${services.join('')}routes:\n${lines.join('')}${policies}`;
}

if (import.meta.main) await runAlone(runTestingBench, defaults);
