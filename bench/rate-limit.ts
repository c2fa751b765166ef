/**
 * What a rate limit adds to a request that it admits: processor time of the gateway, by a route with `rate-limit` against
 * one without, to the same service of the same gateway.
 *
 * Usage: node bench/rate-limit.ts [--rounds 7] [--seconds 2] [--markdown]
 *
 * The routes take turns within a round; ratios are those of one round, and their median counts. The target is 1.10.
 */
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { measureRouteCosts } from './support/route-costs.ts';
import { median, medianRatio, round } from './support/statistics.ts';

const defaults = { rounds: 7, seconds: 2 };
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
  const routes = Object.values(ways).map((policies) => ({ policies }));
  const { usByRoute, failed } = await measureRouteCosts(routes, { ...defaults, ...given });
  const rows = Object.keys(ways).map(
    (way, i): Row => ({
      way,
      'µs CPU': round(median(usByRoute[i]!), 1),
      ratio: round(medianRatio(usByRoute[i]!, usByRoute[0]!), 3),
    }),
  );
  return { name: 'Rate limit', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

if (import.meta.main) await runAlone(runRateLimitBench, defaults);
