/**
 * What a request costs that is sent in a batch: processor time of the gateway for each, against a request that is sent by itself
 * over a connection that is there already. Both go to the same service by the same route.
 *
 * Usage: node bench/batch.ts [--rounds 5] [--seconds 2] [--markdown]
 *
 * The sizes take turns within a round; ratios are those of one round, and their median counts.
 */
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type MeasuredRoute, measureRouteCosts } from './support/route-costs.ts';
import { median, medianRatio, round } from './support/statistics.ts';

const defaults = { rounds: 5, seconds: 2 };
const SIZES = [1, 10, 50] as const;

function toBatch(size: number): MeasuredRoute {
  const requests = Array.from({ length: size }, (_, id) => ({ id, path: '/api/r0', headers: { accept: 'application/json' } }));
  return { to: '{ batch: {} }', body: JSON.stringify({ requests }) };
}

export async function runBatchBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const routes: readonly MeasuredRoute[] = [{}, ...SIZES.map(toBatch)];
  const { usByRoute, failed } = await measureRouteCosts(routes, { ...defaults, ...given });
  const [alone = [], ...batches] = usByRoute;
  const rows: Row[] = [{ requests: 'by itself', 'µs CPU for each': round(median(alone), 1), ratio: 1 }];
  for (const [i, size] of SIZES.entries()) {
    const us = batches[i]!.map((usPerBatch) => usPerBatch / size);
    rows.push({
      requests: `in a batch of ${size}`,
      'µs CPU for each': round(median(us), 1),
      ratio: round(medianRatio(us, alone), 2),
    });
  }
  return { name: 'Batches', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

if (import.meta.main) await runAlone(runBatchBench, defaults);
