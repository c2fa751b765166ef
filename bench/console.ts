/**
 * What it costs that somebody has the console open: processor time of one gateway, all of its threads together, for a request that is
 * proxied, while nobody watches, while a browser has the live page, and while one has the live tail of all requests.
 *
 * Usage: node bench/console.ts [--rounds 15] [--seconds 1] [--markdown]
 *
 * The ways take turns within a round; ratios are those of one round, and their median counts. Who watches reads what the pages of the
 * console read, in the process of the benchmark. The target is 1.02 at 20,000 requests in a second.
 */
import { get } from 'node:http';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { findFreePort } from './support/free-port.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { GATEWAY_CPU, measureRequests, OTHER_CPU } from './support/route-costs.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 15, seconds: 1 };
const MICROS_PER_SECOND = 1e6;

/** The streams that are read, by the name of the row. */
const ways: Readonly<Record<string, readonly string[]>> = {
  'nobody watches': [],
  'live page': ['/api/traffic/stream'],
  'live tail of all requests': ['/api/traffic/stream', '/api/tap'],
};

export async function runConsoleBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const adminPort = await findFreePort();
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { small: upstream.port },
    routes: '  all: { match: { path: /* }, to: small }\n',
    cpu: GATEWAY_CPU,
    more: `admin: { address: "127.0.0.1:${adminPort}" }\n`,
  });
  const costs = Object.keys(ways).map((): number[] => []);
  const eventBytes = Object.keys(ways).map(() => 0);
  let failed = 0;
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, paths] of Object.values(ways).entries()) {
        const watchers = await Promise.all(paths.map((path) => watch(adminPort, path)));
        const { usPerRequest, failures } = await measureRequests(gateway, { path: '/api/x', seconds, route: {} });
        costs[i]!.push(usPerRequest);
        failed += failures;
        for (const { bytes, stop } of watchers) {
          eventBytes[i]! += bytes();
          stop();
        }
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end()]);
  }
  const rows = Object.keys(ways).map(
    (way, i): Row => ({
      way,
      'µs CPU': round(median(costs[i]!), 1),
      ratio: round(medianRatio(costs[i]!, costs[0]!), 3),
      'events, kB': Math.round(eventBytes[i]! / rounds / 1_000),
    }),
  );
  const perSecond = Math.round(MICROS_PER_SECOND / median(costs[0]!));
  const notes = [`About ${perSecond} requests in a second of one processor.`];
  return { name: 'Console', rows, notes: failed === 0 ? notes : [...notes, `${failed} requests failed.`] };
}

/** Reads a stream of events until it is stopped. */
async function watch(port: number, path: string): Promise<{ bytes(): number; stop(): void }> {
  let bytes = 0;
  const request = get({ host: '127.0.0.1', port, path, headers: { accept: 'text/event-stream' }, agent: false });
  // That it ends when it is stopped is meant.
  request.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    request.once('response', (response) => {
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      if (response.statusCode === 200) resolve();
      else reject(new Error(`${path} is answered with ${response.statusCode}`));
    });
  });
  return { bytes: () => bytes, stop: () => void request.destroy() };
}

if (import.meta.main) await runAlone(runConsoleBench, defaults);
