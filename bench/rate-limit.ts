/**
 * What a rate limit adds to a request that it admits: processor time of the gateway, by a route with `rate-limit` against
 * one without, to the same service of the same gateway.
 *
 * Usage: node bench/rate-limit.ts [--rounds 7] [--seconds 2] [--markdown]
 *
 * The routes take turns within a round; ratios are those of one round, and their median counts. The target is 1.10.
 */
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { pause } from './support/child-process.ts';
import { type GatewayUnderTest, startGateway } from './support/gateway-under-test.ts';
import { Load } from './support/load.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 7, seconds: 2 };
const CONNECTIONS = 16;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const LIMIT = 'limit: 1000000/second';

/** Name of the route, and its policies. */
const ways = {
  without: '',
  'by ip': `rate-limit: { ${LIMIT} }`,
  'two limits': 'rate-limit: { limits: [1000000/second, 1000000/minute] }',
  'by header': `rate-limit: { ${LIMIT}, by: header.authorization }`,
  'by ip, headers: all': `rate-limit: { ${LIMIT}, headers: all }`,
} as const;

export async function runRateLimitBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const routes = Object.values(ways).map(
    (policies, i) => `  r${i}: { match: { path: /api/r${i} }, policies: { ${policies} }, to: small }\n`,
  );
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { small: upstream.port },
    routes: routes.join(''),
    cpu: GATEWAY_CPU,
  });
  const figures: number[][] = Object.keys(ways).map(() => []);
  let failed = 0;
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, costs] of figures.entries()) {
        const { usPerRequest, failures } = await measure(gateway, `/api/r${i}`, seconds);
        costs.push(usPerRequest);
        failed += failures;
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end()]);
  }
  const rows = Object.keys(ways).map(
    (way, i): Row => ({
      way,
      'µs CPU': round(median(figures[i]!), 1),
      ratio: round(medianRatio(figures[i]!, figures[0]!), 3),
    }),
  );
  return { name: 'Rate limit', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

async function measure(
  { child, port }: GatewayUnderTest,
  path: string,
  seconds: number,
): Promise<{ usPerRequest: number; failures: number }> {
  const load = new Load({ port, path, connections: CONNECTIONS, pauseMs: 0 }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  const beforeUs = readCpuUs(child.pid);
  await pause(seconds * 1_000);
  const { requests, failed } = await load.take();
  const usedUs = readCpuUs(child.pid) - beforeUs;
  await load.end();
  return { usPerRequest: usedUs / requests, failures: failed };
}

if (import.meta.main) await runAlone(runRateLimitBench, defaults);
