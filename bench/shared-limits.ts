/**
 * What a rate limit that gateways share adds to the time of an answer: while the Redis server is well, while it is killed
 * and started again, and while it hangs.
 *
 * Usage: node bench/shared-limits.ts [--rounds 3] [--seconds 3] [--markdown]
 *
 * The routes take turns within a round; "added" is the difference to the limit in memory of the same round, and medians
 * count. The target: no failed request, and an added p99 of at most 5 ms while the server is away.
 */
import { createServer } from 'node:net';
import { toLatencyColumns } from './support/added-latency.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type Child, findProgram, pause, startChild, waitFor } from './support/child-process.ts';
import { type GatewayUnderTest, startGateway } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 3, seconds: 3 };
const CONNECTIONS = 16;
const PAUSE_MS = 5;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const LIMIT = 'limit: 1000000/second';

/** Name of the route, and its policies; the first one is what the others are compared with. */
const ways = {
  memory: `rate-limit: { ${LIMIT} }`,
  strict: `rate-limit: { ${LIMIT}, store: redis }`,
  'strict, two limits': 'rate-limit: { limits: [1000000/second, 1000000/minute], store: redis }',
  'local-first': `rate-limit: { ${LIMIT}, store: redis, shared: local-first }`,
} as const;

/** A Redis server that comes and goes. */
class Server {
  readonly port: number;
  readonly #folder: string;
  #child: Child | undefined;

  constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    let isReady = false;
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const child = startChild([findProgram('redis-server')!, ...where, '--save', '', '--appendonly', 'no'], {
      cpu: OTHER_CPU,
      onLine: (line) => {
        isReady ||= line.includes('Ready to accept connections');
      },
    });
    this.#child = child;
    await waitFor(child, 'the Redis server listens', () => (isReady ? true : undefined));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.process.kill(signal);
  }

  async end(): Promise<void> {
    await this.#child?.end();
  }
}

/** What happens to the server in the time of a measurement. */
const events: Readonly<Record<string, (server: Server, ms: number) => Promise<void>>> = {
  well: (_, ms) => pause(ms),
  'killed and started': async (server, ms) => {
    server.signal('SIGKILL');
    await server.end();
    await pause(ms / 2);
    await server.start();
    await pause(ms / 2);
  },
  hanging: async (server, ms) => {
    server.signal('SIGSTOP');
    await pause(ms);
    server.signal('SIGCONT');
  },
};

export async function runSharedLimitsBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const name = 'Shared rate limits';
  if (findProgram('redis-server') === undefined) return { name, rows: [], notes: ['Not installed: redis-server.'] };
  const folder = createScratchFolder();
  const server = new Server(await findFreePort(), folder);
  await server.start();
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const routes = Object.values(ways).map(
    (policies, i) => `  r${i}: { match: { path: /api/r${i} }, policies: { ${policies} }, to: small }\n`,
  );
  const stores = `stores: { redis: { url: "redis://127.0.0.1:${server.port}" } }\n`;
  const services = { small: upstream.port };
  const gateway = await startGateway({ folder, services, routes: routes.join('') + stores, cpu: GATEWAY_CPU });
  const rows: Row[] = [];
  try {
    for (const [event, happen] of Object.entries(events)) {
      const figures: Measured[][] = Object.keys(ways).map(() => []);
      for (let count = 0; count < rounds; count += 1)
        for (const [i, of] of figures.entries())
          of.push(await measure(gateway, `/api/r${i}`, () => happen(server, seconds * 1_000)));
      rows.push(...Object.keys(ways).map((way, i) => toRow({ event, way }, figures[i]!, figures[0]!)));
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end(), server.end()]);
  }
  return { name, rows };
}

interface Measured extends LoadFigures {
  readonly cpuUs: number;
}

async function measure({ port, child }: GatewayUnderTest, path: string, happen: () => Promise<void>): Promise<Measured> {
  const load = new Load({ port, path, connections: CONNECTIONS, pauseMs: PAUSE_MS }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  const beforeUs = readCpuUs(child.pid);
  await happen();
  const cpuUs = readCpuUs(child.pid) - beforeUs;
  const figures = await load.take();
  await load.end();
  return { ...figures, cpuUs };
}

function toRow(named: { event: string; way: string }, figures: Measured[], compared: Measured[]): Row {
  const sum = (count: (of: LoadFigures) => number) => figures.reduce((total, of) => total + count(of), 0);
  return {
    ...named,
    ...toLatencyColumns(figures, compared),
    'µs CPU/request': round(median(figures.map(({ cpuUs, requests }) => cpuUs / requests)), 1),
    requests: sum(({ requests }) => requests),
    failed: sum(({ failed }) => failed),
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

if (import.meta.main) await runAlone(runSharedLimitsBench, defaults);
