/**
 * What an answer from the cache costs in processor time: beside one that the service is asked for, and beside one from the cache
 * of nginx where that is installed.
 *
 * Usage: node bench/cache.ts [--rounds 7] [--seconds 2] [--connections 16] [--markdown]
 *
 * The gateway runs on CPU 0 with one worker, the load and the service on CPU 1. All take turns within a round; ratios are those of one
 * round, and their median counts. `small` is a document of 106 bytes, `100k` one of 100 KiB.
 */
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { findProgram, pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { Load } from './support/load.ts';
import { type RunningProgram, startNginxWithCache } from './support/other-gateways.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 7, seconds: 2, connections: 16 };
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const WARM_UP_MS = 500;
/** In the place of a token, with which an answer would be for one client alone. */
const ANONYMOUS = 'x-client: bench-abcdefghijklmnop';

/** By the last segment of the path, which the service looks at. */
const documents = ['small', '100k'] as const;
type Way = 'proxied' | 'kept' | 'proxied by nginx' | 'kept by nginx';
const ourWays: readonly Way[] = ['proxied', 'kept'];
const nginxWays: readonly Way[] = ['proxied by nginx', 'kept by nginx'];

interface Series {
  readonly document: string;
  readonly way: Way;
  readonly usByRound: number[];
}

export async function runCacheBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const options = { ...defaults, ...given };
  const folder = createScratchFolder();
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const gateway = await startGateway({
    folder,
    services: { small: upstream.port },
    routes:
      '  kept: { match: { path: /kept/* }, policies: { cache: { ttl: 1h } }, to: small }\n  all: { match: { path: /* }, to: small }\n',
    cpu: GATEWAY_CPU,
  });
  const hasNginx = findProgram('nginx') !== undefined;
  const nginx = hasNginx ? await startNginxWithCache({ folder, cpu: GATEWAY_CPU, smallPort: upstream.port }) : undefined;
  const ways = nginx === undefined ? ourWays : [...ourWays, ...nginxWays];
  const series = documents.flatMap((document) => ways.map((way): Series => ({ document, way, usByRound: [] })));
  let failed = 0;
  try {
    for (let count = 0; count < options.rounds; count += 1) {
      for (const { document, way, usByRound } of series) {
        const program = nginxWays.includes(way) ? nginx! : gateway;
        const path = `/${way.startsWith('kept') ? 'kept' : 'asked'}/${document}`;
        const { us, failures } = await measure(program, path, options);
        report(`${document.padEnd(6)} ${way.padEnd(16)} ${us.toFixed(1)} µs/request`);
        usByRound.push(us);
        failed += failures;
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end(), nginx?.child.end()]);
  }
  return { name: 'Cache', rows: series.map((each) => toRow(each, series)), notes: toNotes(failed, hasNginx) };
}

function toRow({ document, way, usByRound }: Series, all: readonly Series[]): Row {
  const of = (wanted: Way) => all.find((other) => other.document === document && other.way === wanted)?.usByRound;
  const nginx = of('kept by nginx');
  return {
    document,
    way,
    'µs CPU': round(median(usByRound), 1),
    'to proxied': round(medianRatio(usByRound, of('proxied')!), 3),
    'to kept by nginx': nginx === undefined ? '' : round(medianRatio(usByRound, nginx), 3),
  };
}

function toNotes(failed: number, hasNginx: boolean): string[] {
  const notes = hasNginx ? [] : ['nginx is not installed, so there is nothing to compare with.'];
  return failed === 0 ? notes : [...notes, `${failed} requests failed.`];
}

async function measure(
  { child, port }: RunningProgram,
  path: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<{ us: number; failures: number }> {
  const load = new Load({ port, path, connections, pauseMs: 0, credential: ANONYMOUS }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  const beforeUs = readCpuUs(child.pid);
  await pause(seconds * 1_000);
  const { requests, failed } = await load.take();
  const usedUs = readCpuUs(child.pid) - beforeUs;
  await load.end();
  return { us: usedUs / requests, failures: failed };
}

if (import.meta.main) await runAlone(runCacheBench, defaults);
