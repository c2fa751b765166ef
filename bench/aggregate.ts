/**
 * What an answer costs that is made of the answers of three services: processor time by that of a plain proxied request, and by
 * the same work written by hand with Fastify and undici; and how much later it comes than the slowest of the three.
 *
 * Usage: node bench/aggregate.ts [--rounds 5] [--seconds 2] [--markdown]
 *
 * All take turns within a round; ratios are those of one round, and their median counts. "Added" is the difference to one call made
 * directly, at a low rate. Targets: 4.5 × a plain request, less than by hand, 500 µs added at the median.
 */
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 5, seconds: 2 };
const CONNECTIONS = 16;
const PAUSE_MS = 2;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;

const routes = `  plain: { match: { path: /api/plain/* }, to: users }
  aggregate:
    match: { path: "/api/aggregate/:id" }
    to:
      aggregate:
        calls:
          user: { service: users, path: "/users/\${path.id}" }
          orders: { service: orders, path: /orders, query: { user: "\${path.id}" } }
          offers: { service: offers, path: "/offers/\${path.id}" }
        answer:
          name: "\${calls.user.body.name}"
          user: "\${calls.user.body}"
          orders: "\${calls.orders.body}"
          offers: "\${calls.offers.body}"
`;

interface Way {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  /** Of what does the work; `undefined`: nothing stands between. */
  readonly pid: number | undefined;
  readonly costsUs: number[];
  readonly p50sUs: number[];
}

export async function runAggregateBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const { port } = upstream;
  const byHand = await startUpstream({
    cpu: GATEWAY_CPU,
    program: 'fastify-aggregate-program.ts',
    environment: { UPSTREAM_PORT: String(port) },
  });
  const services = { users: port, orders: port, offers: port };
  const gateway = await startGateway({ folder: createScratchFolder(), services, routes, cpu: GATEWAY_CPU });
  const toWay = (name: string, at: number, path: string, pid: number | undefined): Way => {
    return { name, port: at, path, pid, costsUs: [], p50sUs: [] };
  };
  const direct = toWay('one call, direct', port, '/users/7', undefined);
  const plain = toWay('plain request', gateway.port, '/api/plain/7', gateway.child.pid);
  const aggregate = toWay('aggregate of three', gateway.port, '/api/aggregate/7', gateway.child.pid);
  const written = toWay('the same by hand', byHand.port, '/api/aggregate/7', byHand.child.pid);
  const ways = [direct, plain, aggregate, written];
  let failed = 0;
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const way of ways) failed += await measure(way, seconds);
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end(), byHand.child.end()]);
  }
  const toRow = ({ name, costsUs, p50sUs }: Way): Row => ({
    way: name,
    'µs CPU': costsUs.length === 0 ? '' : round(median(costsUs), 1),
    '× plain': costsUs.length === 0 ? '' : round(medianRatio(costsUs, plain.costsUs), 2),
    '× by hand': costsUs.length === 0 ? '' : round(medianRatio(costsUs, written.costsUs), 2),
    'p50, µs': Math.round(median(p50sUs)),
    'added, µs': p50sUs === direct.p50sUs ? '' : Math.round(median(p50sUs.map((us, i) => us - direct.p50sUs[i]!))),
  });
  return { name: 'Aggregates', rows: ways.map(toRow), notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

/** Processor time under load, then times at a low rate. Returns how many requests failed. */
async function measure({ port, path, pid, costsUs, p50sUs }: Way, seconds: number): Promise<number> {
  let failed = 0;
  if (pid !== undefined) {
    const load = new Load({ port, path, connections: CONNECTIONS, pauseMs: 0 }, { cpu: OTHER_CPU });
    await pause(WARM_UP_MS);
    await load.take();
    const beforeUs = readCpuUs(pid);
    const figures = await takeAfter(load, seconds);
    costsUs.push((readCpuUs(pid) - beforeUs) / figures.requests);
    failed += figures.failed;
    await load.end();
  }
  const slowly = new Load({ port, path, connections: 1, pauseMs: PAUSE_MS }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await slowly.take();
  const figures = await takeAfter(slowly, seconds / 2);
  p50sUs.push(figures.p50Us);
  await slowly.end();
  return failed + figures.failed;
}

async function takeAfter(load: Load, seconds: number): Promise<LoadFigures> {
  await pause(seconds * 1_000);
  return load.take();
}

if (import.meta.main) await runAlone(runAggregateBench, defaults);
