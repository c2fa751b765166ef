/**
 * What tests of routes and plans cost: a thousand expectations, and the meaning of a change among ten thousand routes.
 *
 * Usage: node bench/testing.ts [--rounds 5] [--routes 10000] [--markdown]
 *
 * The expectations go one after the other through the whole data plane, policies and a stub included. The plan is that of the
 * command, as a program that reads both files; what is different is a few dozen routes, three services and a policy of the
 * gateway. A program that only checks one of the files shows how much of it is reading. Targets: 1 s for the expectations, 2 s
 * for the plan.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRoutes } from '#gatehouse/test';
import { type BenchResult, report, runAlone } from './support/bench-result.ts';
import { repositoryRoot } from './support/gateway-under-test.ts';
import { writeLargeConfiguration } from './support/large-configuration.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 5, routes: 10_000 };
const EXPECTATIONS = 1_000;
const targetsMs = { expectations: 1_000, plan: 2_000 };

export async function runTestingBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, routes } = { ...defaults, ...given };
  const folder = createScratchFolder();
  const old = join(folder, 'old.yaml');
  const present = join(folder, 'new.yaml');
  writeFileSync(old, writeLargeConfiguration(routes, false));
  writeFileSync(present, writeLargeConfiguration(routes, true));
  // One round more than counts: the first fills the cache of compiled code.
  const planMs: number[] = [];
  const checkMs: number[] = [];
  const expectationsMs: number[] = [];
  for (let count = 0; count <= rounds; count += 1) {
    planMs.push(timeCommand(['plan', old, present, '--fail-on', 'none']));
    checkMs.push(timeCommand(['check', '--config', old]));
    expectationsMs.push(await timeExpectations());
    report(`round ${count} of ${rounds}`);
  }
  const typical = (times: readonly number[]) => round(median(times.slice(1)), 0);
  return {
    name: 'testing',
    rows: [
      { what: `${EXPECTATIONS} expectations`, ms: typical(expectationsMs), target: targetsMs.expectations },
      { what: `gatehouse plan, two files of ${routes} routes`, ms: typical(planMs), target: targetsMs.plan },
      { what: `gatehouse check, one of them`, ms: typical(checkMs), target: '' },
    ],
  };
}

function timeCommand(args: readonly string[]): number {
  const startMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [join(repositoryRoot, 'bin/gatehouse'), ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gatehouse ${args[0]} ended with ${status}\n${stderr}`);
  return performance.now() - startMs;
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

if (import.meta.main) await runAlone(runTestingBench, defaults);
