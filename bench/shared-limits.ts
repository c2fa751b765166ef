/**
 * What a rate limit that gateways share adds to the time of an answer: while the Redis server is well, while it is killed
 * and started again, and while it hangs.
 *
 * Usage: node bench/shared-limits.ts [--rounds 3] [--seconds 3] [--markdown]
 *
 * Beside each route, one with the same limit in memory is asked as much at the same time, so that whatever else is going on
 * falls on both. "added" is the difference to it, and medians of the rounds count. The target: no failed request, and an added
 * p99 of at most 5 ms while the server is away.
 */
import { createServer } from 'node:net';
import { toLatencyColumns } from './support/added-latency.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type Child, findProgram, pause, startChild, waitFor } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import type { LoadFigures } from './support/latency-window.ts';
import { Load } from './support/load.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 3, seconds: 3 };
const CONNECTIONS = 8;
const PAUSE_MS = 5;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const LIMIT = 'limit: 1000000/second';

const LIMIT_IN_MEMORY = `rate-limit: { ${LIMIT} }`;
const COMPARED = '/api/compared';
/** Name of the route, and its policies. */
const ways = {
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
  const routes = [LIMIT_IN_MEMORY, ...Object.values(ways)].map(
    (policies, i) => `  r${i}: { match: { path: ${toPath(i)} }, policies: { ${policies} }, to: small }\n`,
  );
  const stores = `stores: { redis: { url: "redis://127.0.0.1:${server.port}" } }\n`;
  const services = { small: upstream.port };
  const { port, child } = await startGateway({ folder, services, routes: routes.join('') + stores, cpu: GATEWAY_CPU });
  const rows: Row[] = [];
  try {
    for (const [event, happen] of Object.entries(events)) {
      const pairs: Pair[][] = Object.keys(ways).map(() => []);
      for (let count = 0; count < rounds; count += 1)
        for (const [i, of] of pairs.entries()) of.push(await measure(port, toPath(i + 1), () => happen(server, seconds * 1_000)));
      rows.push(...Object.keys(ways).map((way, i) => toRow({ event, way }, pairs[i]!)));
    }
  } finally {
    await Promise.all([upstream.child.end(), child.end(), server.end()]);
  }
  return { name, rows };
}

const toPath = (route: number) => (route === 0 ? COMPARED : `/api/r${route}`);

interface Pair {
  readonly own: LoadFigures;
  readonly compared: LoadFigures;
}

async function measure(port: number, path: string, happen: () => Promise<void>): Promise<Pair> {
  const [own, compared] = [path, COMPARED].map(
    (of) => new Load({ port, path: of, connections: CONNECTIONS, pauseMs: PAUSE_MS }, { cpu: OTHER_CPU }),
  ) as [Load, Load];
  const take = async (): Promise<Pair> => {
    const [ofOwn, ofCompared] = await Promise.all([own.take(), compared.take()]);
    return { own: ofOwn, compared: ofCompared };
  };
  await pause(WARM_UP_MS);
  await take();
  await happen();
  const figures = await take();
  await Promise.all([own.end(), compared.end()]);
  return figures;
}

function toRow(named: { event: string; way: string }, pairs: readonly Pair[]): Row {
  const own = pairs.map((pair) => pair.own);
  const compared = pairs.map((pair) => pair.compared);
  const sum = (count: (of: LoadFigures) => number) => own.reduce((total, of) => total + count(of), 0);
  return {
    ...named,
    ...toLatencyColumns(own, compared),
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
