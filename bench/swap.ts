/**
 * What clients notice when a configuration of 10,000 routes replaces another under steady load.
 *
 * Usage: node bench/swap.ts [--rounds 5] [--routes 10000] [--markdown]
 *
 * Two clients run all the time: a steady one (16 connections, about 1,500 requests a second together) and a probe that has
 * one request at a time, a millisecond apart. A data thread that stands still shows as the probe's worst answer. Each round
 * writes the other of two configurations (half of the routes have another path) and sends SIGHUP; the time is until the
 * gateway logs `configuration applied`. The same clients are watched for as long without a swap, because the machine has
 * pauses of its own. What is the gateway's own doing shows in the longest turn of its data thread's event loop, in processor
 * time of that thread (`support/turn-meter.ts`). No request may fail.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { pause, waitFor } from './support/child-process.ts';
import { type GatewaySettings, type GatewayUnderTest, startGateway, writeConfiguration } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 5, routes: 10_000 };
const HOSTS = 5;
const STEADY_CONNECTIONS = 16;
const STEADY_PAUSE_MS = 10;
const PROBE_PAUSE_MS = 1;
const WARM_UP_MS = 2_000;
const APPLIED_WITHIN_MS = 60_000;
/** After a swap: what it leaves behind is collected, and a file watcher that saw the change too has come and gone. */
const AFTERMATH_MS = 1_500;

interface Clients {
  readonly steady: Load;
  readonly probe: Load;
}

interface Watched {
  /** The longest turn of the data thread. */
  readonly turn: Turn;
  readonly steady: LoadFigures;
  readonly probe: LoadFigures;
}

interface Turn {
  readonly computingMs: number;
  readonly clockMs: number;
}

interface SwapFigure extends Watched {
  readonly appliedMs: number;
}

/** What the gateway says: that it has a new configuration or has refused one, and the turns of its data thread. */
class GatewayLog {
  applied = 0;
  refused: string | undefined;
  #turns: Turn[] = [];

  onLine(line: string): void {
    const turn = /^turn ([\d.]+) ([\d.]+)$/.exec(line);
    if (turn !== null) this.#turns.push({ computingMs: Number(turn[1]), clockMs: Number(turn[2]) });
    if (line.includes('"configuration applied"')) this.applied += 1;
    if (line.includes('"configuration refused"')) this.refused = line;
  }

  /** The longest since this was last asked. */
  takeTurn(): Turn {
    const turns = this.#turns;
    this.#turns = [];
    return {
      computingMs: Math.max(0, ...turns.map(({ computingMs }) => computingMs)),
      clockMs: Math.max(0, ...turns.map(({ clockMs }) => clockMs)),
    };
  }
}

export async function runSwapBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, routes } = { ...defaults, ...given };
  const upstream = await startUpstream();
  const log = new GatewayLog();
  const folder = createScratchFolder();
  const services = { small: upstream.port };
  const settings: GatewaySettings = {
    folder,
    services,
    routes: planRoutes(routes, 0),
    nodeFlags: [`--import=${new URL('support/turn-meter.ts', import.meta.url).href}`],
    onLine: (line) => log.onLine(line),
  };
  const gateway = await startGateway(settings);
  const clients: Clients = {
    steady: new Load({ port: gateway.port, path: '/api/x', connections: STEADY_CONNECTIONS, pauseMs: STEADY_PAUSE_MS }),
    probe: new Load({ port: gateway.port, path: '/api/x', connections: 1, pauseMs: PROBE_PAUSE_MS }),
  };
  const quiet: Watched[] = [];
  const swaps: SwapFigure[] = [];
  try {
    await pause(WARM_UP_MS);
    await watch(clients, log);
    for (let count = 1; count <= rounds; count += 1) {
      const text = writeConfiguration({ ...settings, routes: planRoutes(routes, count) });
      const swap = await measureSwap(text, { gateway, clients, log });
      swaps.push(swap);
      await pause(swap.appliedMs + AFTERMATH_MS);
      quiet.push(await watch(clients, log));
      report(
        `swap ${count}: applied after ${Math.round(swap.appliedMs)} ms, worst answer ${round(swap.probe.worstUs / 1000, 1)} ms, longest turn ${swap.turn.computingMs} ms`,
      );
    }
  } finally {
    await Promise.all([clients.steady.end(), clients.probe.end()]);
    await Promise.all([gateway.child.end(), upstream.child.end()]);
  }
  return { name: `swap of ${routes} routes`, rows: [toRow('none', quiet), toSwapRow(swaps)], notes: toNotes(swaps, quiet, log) };
}

/** Routes like those of a company with many services, and the one that the clients use. A turn changes every second path. */
function planRoutes(count: number, turn: number): string {
  const lines = ['  api: { match: { path: /api/* }, to: small }\n'];
  for (let index = 1; index < count; index += 1) {
    const version = index % 2 === 0 ? 1 : 2 + (turn % 2);
    const tail = index % 3 === 0 ? '/items/:id' : '/*';
    lines.push(
      `  route-${index}:\n    match: { host: api${index % HOSTS}.example.com, path: "/v${version}/service-${index}${tail}", method: [GET, POST] }\n    to: small\n`,
    );
  }
  return lines.join('');
}

async function measureSwap(
  text: string,
  { gateway, clients, log }: { gateway: GatewayUnderTest; clients: Clients; log: GatewayLog },
): Promise<SwapFigure> {
  const { applied } = log;
  writeFileSync(`${gateway.configurationPath}.new`, text);
  renameSync(`${gateway.configurationPath}.new`, gateway.configurationPath);
  const startedMs = performance.now();
  gateway.child.process.kill('SIGHUP');
  const look = () => (log.applied > applied || log.refused !== undefined ? performance.now() : undefined);
  const seenMs = await waitFor(gateway.child, 'the configuration is applied', look, { everyMs: 2, withinMs: APPLIED_WITHIN_MS });
  if (log.refused !== undefined) throw new Error(log.refused);
  await pause(AFTERMATH_MS);
  return { appliedMs: seenMs - startedMs, ...(await watch(clients, log)) };
}

/** What the clients saw since they were last asked. */
async function watch({ steady, probe }: Clients, log: GatewayLog): Promise<Watched> {
  const [ofSteady, ofProbe] = await Promise.all([steady.take(), probe.take()]);
  return { turn: log.takeTurn(), steady: ofSteady, probe: ofProbe };
}

function toRow(swap: string, watched: readonly Watched[]): Row {
  const probes = watched.map(({ probe }) => probe);
  const all = watched.flatMap(({ steady, probe }) => [steady, probe]);
  return {
    swap,
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    'p50, ms': round(median(probes.map(({ p50Us }) => p50Us)) / 1000, 2),
    'p99, ms': round(median(probes.map(({ p99Us }) => p99Us)) / 1000, 2),
    'worst, median of rounds, ms': round(median(probes.map(({ worstUs }) => worstUs)) / 1000, 1),
    'worst of all, ms': round(Math.max(...probes.map(({ worstUs }) => worstUs)) / 1000, 1),
    'longest turn computing, ms': Math.max(...watched.map(({ turn }) => turn.computingMs)),
    'by the clock, ms': Math.max(...watched.map(({ turn }) => turn.clockMs)),
  };
}

function toSwapRow(swaps: readonly SwapFigure[]): Row {
  return {
    ...toRow(String(swaps.length), swaps),
    'applied after, ms': Math.round(median(swaps.map(({ appliedMs }) => appliedMs))),
  };
}

function toNotes(swaps: readonly SwapFigure[], quiet: readonly Watched[], { applied }: GatewayLog): string[] {
  const failures = [...swaps, ...quiet].flatMap(({ steady, probe }) => [steady.failures, probe.failures]);
  const reasons = [...new Set(failures.flatMap(Object.keys))];
  return [
    'Target: no failed request, and no turn of a data thread that computes for 20 ms. Latencies are those of the probe, one request at a time; both clients count as requests.',
    'The control thread that reads the configuration, the data thread and the clients share the processors, and nothing is kept on one.',
    ...(reasons.length > 0 ? [`Reasons of failures: ${reasons.join(', ')}.`] : []),
    ...(applied > swaps.length
      ? [`${applied} configurations were applied for ${swaps.length} changes: the file watcher saw some of them as well.`]
      : []),
  ];
}

if (import.meta.main) await runAlone(runSwapBench, defaults);
