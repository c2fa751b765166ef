/**
 * How much later an answer comes because it passes a gateway, at a low rate: one client, one request at a time, a pause
 * between them. nginx beside it where it is installed.
 *
 * Usage: node bench/latency.ts [--rounds 5] [--seconds 3] [--markdown]
 *
 * Direct and through each gateway take turns; the figures are medians of the rounds, and "added" is the difference to
 * direct in the same round.
 */
import { toLatencyColumns } from './support/added-latency.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { findProgram, pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { otherGateways } from './support/other-gateways.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 5, seconds: 3 };
const PAUSE_MS = 2;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;

interface Way {
  readonly name: string;
  readonly port: number;
  readonly figures: LoadFigures[];
}

export async function runLatencyBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const folder = createScratchFolder();
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const routes = '  api: { match: { path: /* }, to: small }\n';
  const gatehouse = await startGateway({ folder, services: { small: upstream.port }, routes, cpu: GATEWAY_CPU });
  const ports = { folder, smallPort: upstream.port, filesPort: upstream.port };
  const nginx = findProgram('nginx') === undefined ? undefined : await otherGateways['nginx']!({ ...ports, cpu: GATEWAY_CPU });
  const ways: Way[] = [
    { name: 'direct', port: upstream.port, figures: [] },
    { name: 'gatehouse', port: gatehouse.port, figures: [] },
    ...(nginx === undefined ? [] : [{ name: 'nginx', port: nginx.port, figures: [] }]),
  ];
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const { port, figures } of ways) figures.push(await measure(port, seconds));
    }
  } finally {
    await Promise.all([upstream.child.end(), gatehouse.child.end(), nginx?.child.end()]);
  }
  const notes = nginx === undefined ? ['Not installed: nginx.'] : [];
  return { name: 'added latency', rows: ways.map((way) => toRow(way, ways[0]!)), notes };
}

async function measure(port: number, seconds: number): Promise<LoadFigures> {
  const load = new Load({ port, path: '/api/x', connections: 1, pauseMs: PAUSE_MS }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  await pause(seconds * 1000);
  const figures = await load.take();
  await load.end();
  return figures;
}

function toRow({ name, figures }: Way, direct: Way): Row {
  return {
    way: name,
    ...toLatencyColumns(figures, direct.figures),
    failed: figures.reduce((sum, { failed }) => sum + failed, 0),
  };
}

if (import.meta.main) await runAlone(runLatencyBench, defaults);
