/**
 * What clients get when three times as much comes as a service can do: with and without `concurrency: { adaptive: true }`,
 * and with routes that matter more and less.
 *
 * Usage: node bench/overload.ts [--seconds 5] [--workers 10] [--work 40] [--markdown]
 *
 * The service has so many workers that take so many milliseconds for a request, and a line before them. Its capacity is
 * what clients get that always ask again; "unloaded" is how long answers take at a third of it. Each row begins anew and
 * has two seconds to settle. Answers per second are those with status 200; what is refused comes back as 503.
 */
import { join } from 'node:path';
import type { ArrivalsPlan } from './support/arrivals-program.ts';
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { pause, startChild, waitFor } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { seconds: 5, workers: 10, work: 40 };
const SETTLING_MS = 2_000;
const ADAPTIVE = 'concurrency: { adaptive: true }';
const PLAIN_ROUTES = '  all: { match: { path: /* }, to: api }\n';
const RANKED_ROUTES = ['critical', 'low']
  .map((name) => `  ${name}: { match: { path: /${name} }, importance: ${name}, to: api }\n`)
  .join('');

interface Scenario {
  readonly name: string;
  readonly settings?: string;
  readonly routes?: string;
  /** In parts of the capacity. */
  readonly arrivals: Readonly<Record<string, number>>;
}

const scenarios: readonly Scenario[] = [
  { name: 'unloaded', settings: ADAPTIVE, arrivals: { '/all': 1 / 3 } },
  { name: 'unprotected', arrivals: { '/all': 3 } },
  { name: 'adaptive', settings: ADAPTIVE, arrivals: { '/all': 3 } },
  { name: 'by importance', settings: ADAPTIVE, routes: RANKED_ROUTES, arrivals: { '/critical': 0.5, '/low': 2.5 } },
];

export async function runOverloadBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { seconds, workers, work } = { ...defaults, ...given };
  const environment = { WORKERS: String(workers), WORK_MS: String(work) };
  const capacity = await measureCapacity(workers, environment, seconds);
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    report(`${scenario.name}`);
    const figures = await run(scenario, { capacity, seconds, environment });
    for (const [index, [path, share]] of Object.entries(scenario.arrivals).entries())
      rows.push(toRow(`${scenario.name} ${path}`, share * capacity, { figures: figures[index]!, capacity }));
  }
  const ideal = round((workers * 1_000) / work);
  return {
    name: 'Overload',
    rows,
    notes: [
      `capacity ${round(capacity)} answers a second (${ideal} if timers were exact)`,
      'targets: useful answers at least 90 % of the capacity, their p99 at most 3 × the unloaded one; nothing critical refused',
    ],
  };
}

async function measureCapacity(workers: number, environment: Record<string, string>, seconds: number): Promise<number> {
  const upstream = await startUpstream({ program: 'workers-program.ts', environment });
  const load = new Load({ port: upstream.port, path: '/', connections: workers * 2, pauseMs: 0 });
  try {
    await pause(SETTLING_MS);
    await load.take();
    await pause(seconds * 1_000);
    const figures = await load.take();
    return figures.requests / figures.seconds;
  } finally {
    await load.end();
    await upstream.child.end();
  }
}

async function run(
  { settings, routes = PLAIN_ROUTES, arrivals }: Scenario,
  { capacity, seconds, environment }: { capacity: number; seconds: number; environment: Record<string, string> },
): Promise<LoadFigures[]> {
  const folder = createScratchFolder();
  const upstream = await startUpstream({ program: 'workers-program.ts', environment });
  const gateway = await startGateway({
    folder,
    services: { api: upstream.port },
    ...(settings !== undefined && { serviceSettings: settings }),
    routes,
  });
  const streams = Object.entries(arrivals).map(([path, share]) => ({ path, perSecond: share * capacity }));
  const plan: ArrivalsPlan = { port: gateway.port, streams };
  const taken: LoadFigures[][] = [];
  const clients = startChild([process.execPath, join(import.meta.dirname, 'support/arrivals-program.ts'), JSON.stringify(plan)], {
    onLine: (line, stream) => {
      if (stream === 'stdout') taken.push(JSON.parse(line));
    },
  });
  const take = () => {
    clients.say('take');
    return waitFor(clients, 'the clients answer', () => taken.shift());
  };
  try {
    await pause(SETTLING_MS);
    await take();
    await pause(seconds * 1_000);
    return await take();
  } finally {
    await clients.end();
    await gateway.child.end();
    await upstream.child.end();
  }
}

function toRow(name: string, offered: number, { figures, capacity }: { figures: LoadFigures; capacity: number }): Row {
  const useful = figures.requests / figures.seconds;
  const refused = figures.failures['status 503'] ?? 0;
  return {
    load: name,
    'asked / s': round(offered),
    'answers / s': round(useful),
    '% of capacity': round((useful / capacity) * 100),
    'p50 ms': round(figures.p50Us / 1_000, 1),
    'p99 ms': round(figures.p99Us / 1_000, 1),
    refused,
    'failed otherwise': figures.failed - refused,
  };
}

if (import.meta.main) await runAlone(runOverloadBench, defaults);
