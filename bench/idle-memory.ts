/**
 * What an idle keep-alive connection takes of the gateway's memory, beside nginx where it is installed.
 *
 * Usage: node bench/idle-memory.ts [--connections 10000] [--rounds 1] [--markdown]
 *
 * The gateway is warmed up with a few busy connections; then each of 10,000 more asks once and stays. The difference in
 * resident memory, after all threads have collected their garbage and given back spare pages, is divided by the
 * connections; "unsettled" is the difference without that. What the system itself keeps for a socket is not part of it.
 * The target is at most 5 KB.
 */
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { type Child, findProgram, pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { IdleClient } from './support/idle-client.ts';
import { otherGateways } from './support/other-gateways.ts';
import { readFamilyRssBytes } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { connections: 10_000, rounds: 1 };
const TARGET_BYTES = 5_000;
const WARM_UP_CONNECTIONS = 64;
const WARM_UP_REQUESTS = 300;
const SETTLING_MS = 1_500;
/** Files that a gateway needs besides its client connections. */
const OTHER_FILES = 500;

interface Running {
  readonly child: Child;
  readonly port: number;
}

interface Growth {
  readonly beforeBytes: number;
  readonly perConnectionBytes: number;
  /** The same with whatever garbage and spare pages there were, before and after. */
  readonly unsettledBytes: number;
  readonly lost: number;
}

export async function runIdleMemoryBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { connections, rounds } = { ...defaults, ...given };
  const folder = createScratchFolder();
  const upstream = await startUpstream();
  const names = ['gatehouse', ...(findProgram('nginx') === undefined ? [] : ['nginx'])];
  const measured = names.map((name) => ({ name, growths: [] as Growth[] }));
  try {
    for (let count = 1; count <= rounds; count += 1) {
      for (const { name, growths } of measured) {
        const gateway = await startOne(name, { folder, upstreamPort: upstream.port, openFiles: connections + OTHER_FILES });
        try {
          growths.push(await measureGrowth(name, gateway, connections));
        } finally {
          await gateway.child.end();
        }
      }
    }
  } finally {
    await upstream.child.end();
  }
  const lost = measured.flatMap(({ growths }) => growths).reduce((sum, growth) => sum + growth.lost, 0);
  const notes = [
    `Target: at most ${TARGET_BYTES / 1000} KB for each of ${connections} connections.`,
    ...(names.includes('nginx')
      ? ['nginx sets memory for its connections aside when it starts, which is not counted.']
      : ['Not installed: nginx.']),
    ...(lost > 0 ? [`${lost} connections were lost: the figures are too low.`] : []),
  ];
  return {
    name: 'memory of idle connections',
    rows: measured.map(({ name, growths }) => toRow(name, growths, connections)),
    notes,
  };
}

function startOne(
  name: string,
  { folder, upstreamPort, openFiles }: { folder: string; upstreamPort: number; openFiles: number },
): Promise<Running> {
  if (name === 'nginx') return otherGateways['nginx']!({ folder, smallPort: upstreamPort, filesPort: upstreamPort, openFiles });
  return startGateway({
    folder,
    services: { small: upstreamPort },
    routes: '  api: { match: { path: /* }, to: small }\n',
    openFiles,
    nodeFlags: ['--expose-gc', `--import=${new URL('./support/collect-on-signal.ts', import.meta.url).href}`],
  });
}

async function measureGrowth(name: string, { child, port }: Running, connections: number): Promise<Growth> {
  const client = new IdleClient();
  try {
    await client.open(WARM_UP_CONNECTIONS, port);
    await client.askAgain(WARM_UP_REQUESTS, port);
    const unsettledBeforeBytes = readFamilyRssBytes(child.pid);
    const beforeBytes = await settle(name, child);
    await client.open(WARM_UP_CONNECTIONS + connections, port);
    await pause(SETTLING_MS);
    const unsettledBytes = readFamilyRssBytes(child.pid) - unsettledBeforeBytes;
    const grownBytes = (await settle(name, child)) - beforeBytes;
    report(`${name}: ${round(grownBytes / connections / 1000, 2)} KB for each of ${connections} connections`);
    return {
      beforeBytes,
      perConnectionBytes: grownBytes / connections,
      unsettledBytes: unsettledBytes / connections,
      lost: client.lost,
    };
  } finally {
    client.close();
  }
}

/** Resident memory once there is no garbage left. To nginx the signal would mean something else, and it has none. */
async function settle(name: string, child: Child): Promise<number> {
  for (let turn = 0; turn < 2; turn += 1) {
    if (name === 'gatehouse') child.process.kill('SIGUSR2');
    await pause(SETTLING_MS);
  }
  return readFamilyRssBytes(child.pid);
}

function toRow(gateway: string, growths: readonly Growth[], connections: number): Row {
  const kilobytes = (pick: (growth: Growth) => number) => round(median(growths.map(pick)) / 1000, 2);
  return {
    gateway,
    connections,
    'KB/connection': kilobytes(({ perConnectionBytes }) => perConnectionBytes),
    'unsettled, KB': kilobytes(({ unsettledBytes }) => unsettledBytes),
    'RSS before, MB': Math.round(median(growths.map(({ beforeBytes }) => beforeBytes)) / 1e6),
  };
}

if (import.meta.main) await runAlone(runIdleMemoryBench, defaults);
