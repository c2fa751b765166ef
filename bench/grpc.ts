/**
 * gRPC through a gateway, with the library for Node as client and as service: how much later an answer comes, one call at a
 * time, and what a thousand calls at a time over one connection take. nginx beside it where it is installed.
 *
 * Usage: node bench/grpc.ts [--rounds 5] [--seconds 3] [--calls 1000] [--markdown]
 *
 * Direct and through each gateway take turns; the figures are medians of the rounds, and "added" is the difference to
 * direct in the same round. Of the calls at a time, none is answered before all have arrived. The target is an added p50
 * of at most 0.3 ms on a machine that does nothing else, and no failed call.
 */
import { toLatencyColumns } from './support/added-latency.ts';
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { type Child, findProgram, pause, startChild, waitFor } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import type { BurstFigures, BurstPlan } from './support/grpc-burst-program.ts';
import { echoPaths } from './support/grpc-echo.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { startNginxForGrpc } from './support/other-gateways.ts';
import { readCpuUs, readFamilyRssBytes } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 5, seconds: 3, calls: 1_000 };
const TARGET_US = 300;
const PAUSE_MS = 2;
const WARM_UP_MS = 1_000;
const COMPILING_MS = 4_000;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;

interface Way {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  readonly figures: LoadFigures[];
  /** Processor time of the program for each call. */
  readonly cpuUs: number[];
  readonly bursts: BurstFigures[];
  readonly rssBytes: { before: number; after: number };
}

export async function runGrpcBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds, calls } = { ...defaults, ...given };
  const folder = createScratchFolder();
  const upstream = await startUpstream({ cpu: OTHER_CPU, program: 'grpc-server-program.ts' });
  const gatehouse = await startGateway({
    folder,
    services: { echo: upstream.port },
    serviceProtocol: 'http2',
    streams: calls,
    routes: '  echo: { match: { grpc: {} }, to: echo }\n',
    cpu: GATEWAY_CPU,
  });
  const settings = { folder, upstreamPort: upstream.port, streams: calls, cpu: GATEWAY_CPU };
  const nginx = findProgram('nginx') === undefined ? undefined : await startNginxForGrpc(settings);
  const ways = [
    toWay('direct', upstream),
    toWay('gatehouse', gatehouse),
    ...(nginx === undefined ? [] : [toWay('nginx', nginx)]),
  ];
  try {
    for (const { port } of ways) await warmUp(port);
    for (let count = 0; count < rounds; count += 1) for (const way of ways) await measure(way, seconds);
    for (const way of ways) way.rssBytes.before = readFamilyRssBytes(way.child.pid);
    for (let count = 0; count < rounds; count += 1)
      for (const way of ways) way.bursts.push(await burst({ port: way.port, calls }));
    for (const way of ways) way.rssBytes.after = readFamilyRssBytes(way.child.pid);
  } finally {
    await Promise.all([upstream.child.end(), gatehouse.child.end(), nginx?.child.end()]);
  }
  const notes = [
    `Target: an added p50 of at most ${TARGET_US} µs, and no failed call.`,
    ...(nginx === undefined ? ['Not installed: nginx.'] : []),
  ];
  return { name: 'gRPC', rows: ways.map((way) => toRow(way, ways[0]!, calls)), notes };
}

function toWay(name: string, { port, child }: { readonly port: number; readonly child: Child }): Way {
  return { name, port, child, figures: [], cpuUs: [], bursts: [], rssBytes: { before: 0, after: 0 } };
}

/** At full speed, so that the code of all programs is compiled when the slow rounds begin. */
async function warmUp(port: number): Promise<void> {
  const load = startLoad(port, 0);
  await pause(COMPILING_MS);
  await load.end();
}

function startLoad(port: number, pauseMs: number): Load {
  return new Load({ port, path: echoPaths.get, connections: 1, pauseMs }, { cpu: OTHER_CPU, program: 'grpc-load-program.ts' });
}

async function measure(way: Way, seconds: number): Promise<void> {
  const load = startLoad(way.port, PAUSE_MS);
  await pause(WARM_UP_MS);
  await load.take();
  const cpuBeforeUs = readCpuUs(way.child.pid);
  await pause(seconds * 1000);
  const figures = await load.take();
  way.cpuUs.push((readCpuUs(way.child.pid) - cpuBeforeUs) / figures.requests);
  way.figures.push(figures);
  await load.end();
  if (figures.failed > 0) report(JSON.stringify(figures.failures));
}

/** Twice, so that the connection is there and the programs are warm for the one that counts. */
async function burst(plan: BurstPlan): Promise<BurstFigures> {
  const figures: BurstFigures[] = [];
  const program = new URL('./support/grpc-burst-program.ts', import.meta.url).pathname;
  const child = startChild([process.execPath, program, JSON.stringify(plan)], {
    cpu: OTHER_CPU,
    onLine: (line, stream) => {
      if (stream === 'stdout') figures.push(JSON.parse(line));
    },
  });
  const next = async () => {
    child.say('call');
    return waitFor(child, 'the calls are answered', () => figures.shift(), { withinMs: 40_000 });
  };
  const first = await next();
  const second = await next();
  await child.end();
  return { answered: second.answered, failed: first.failed + second.failed, ms: second.ms };
}

function toRow({ name, figures, cpuUs, bursts, rssBytes }: Way, direct: Way, calls: number): Row {
  const failed = [...figures, ...bursts].reduce((sum, each) => sum + each.failed, 0);
  return {
    way: name,
    ...toLatencyColumns(figures, direct.figures),
    'µs CPU/call': Math.round(median(cpuUs)),
    [`${calls} at a time, ms`]: round(median(bursts.map(({ ms }) => ms))),
    'RSS before, MB': round(rssBytes.before / 1e6),
    'RSS after, MB': round(rssBytes.after / 1e6),
    failed,
  };
}

if (import.meta.main) await runAlone(runGrpcBench, defaults);
