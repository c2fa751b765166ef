/**
 * Whether a large body passes through without filling memory: 2 GB up and 2 GB down, and a tenth of it to a side that
 * reads slowly.
 *
 * Usage: node bench/body-memory.ts [--megabytes 2000] [--rounds 1] [--markdown]
 *
 * Growth is the highest resident memory of the gateway during the transfer, less what it had before it. Flat means that
 * the first tenth of the body already shows it. Client and upstream run in this process; MB/s is what all three manage
 * together.
 */
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { BodyUpstream, runTransfer, type Transfer } from './support/body-peers.ts';
import { type GatewayUnderTest, startGateway } from './support/gateway-under-test.ts';
import { readMemory, resetPeak } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';

const defaults = { megabytes: 2_000, rounds: 1 };
const SAMPLE_EVERY_MS = 20;
const WARM_UP_TRANSFERS = 200;
const WARM_UP_BYTES = 1_000;
const SLOW_SHARE = 0.1;

interface Figure {
  readonly seconds: number;
  readonly tenthGrowthBytes: number;
  readonly growthBytes: number;
  readonly peakBytes: number;
}

type Kind = Pick<Transfer, 'direction' | 'bytes' | 'isSlow'>;

export async function runBodyMemoryBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { megabytes, rounds } = { ...defaults, ...given };
  const bytes = megabytes * 1_000_000;
  const kinds: Kind[] = [
    { direction: 'upload', bytes, isSlow: false },
    { direction: 'download', bytes, isSlow: false },
    { direction: 'upload', bytes: Math.ceil(bytes * SLOW_SHARE), isSlow: true },
    { direction: 'download', bytes: Math.ceil(bytes * SLOW_SHARE), isSlow: true },
  ];
  const measured = kinds.map((kind) => ({ kind, figures: [] as Figure[] }));
  const upstream = new BodyUpstream();
  const upstreamPort = await upstream.listen();
  for (let count = 1; count <= rounds; count += 1) {
    for (const { kind, figures } of measured) figures.push(await measureAlone(kind, upstream, upstreamPort));
  }
  upstream.close();
  return {
    name: 'memory of large bodies',
    rows: measured.map(({ kind, figures }) => toRow(kind, figures)),
    notes: ['Target: memory does not grow with the body. Each transfer has a gateway of its own, warmed up with small bodies.'],
  };
}

/** A new gateway for each transfer: what an earlier one left in memory would hide growth. */
async function measureAlone(kind: Kind, upstream: BodyUpstream, upstreamPort: number): Promise<Figure> {
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { body: upstreamPort },
    routes: '  body: { match: { path: /body }, to: body }\n',
  });
  try {
    const warmUp: Transfer = { ...kind, bytes: WARM_UP_BYTES, isSlow: false, onTenth: () => {} };
    upstream.transfer = warmUp;
    for (let turn = 0; turn < WARM_UP_TRANSFERS; turn += 1) await runTransfer(warmUp, gateway.port);
    const figure = await measure(kind, upstream, gateway);
    report(`${nameOf(kind)}: grew by ${round(figure.growthBytes / 1e6, 1)} MB, ${round(kind.bytes / 1e6 / figure.seconds)} MB/s`);
    return figure;
  } finally {
    await gateway.child.end();
  }
}

async function measure(kind: Kind, upstream: BodyUpstream, { child, port }: GatewayUnderTest): Promise<Figure> {
  const beforeBytes = readMemory(child.pid)!.rssBytes;
  // Where the system does not reset its own peak, the samples have to do.
  const knowsPeak = resetPeak(child.pid);
  let peakBytes = beforeBytes;
  const sample = () => {
    const memory = readMemory(child.pid);
    if (memory !== undefined) peakBytes = Math.max(peakBytes, knowsPeak ? memory.peakBytes : memory.rssBytes);
    return peakBytes;
  };
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  let tenthBytes = beforeBytes;
  const transfer: Transfer = {
    ...kind,
    onTenth: () => {
      tenthBytes = sample();
    },
  };
  upstream.transfer = transfer;
  const startedMs = performance.now();
  try {
    await runTransfer(transfer, port);
  } finally {
    clearInterval(timer);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { seconds, tenthGrowthBytes: tenthBytes - beforeBytes, growthBytes: sample() - beforeBytes, peakBytes };
}

function nameOf({ direction, isSlow }: Kind): string {
  return isSlow ? `${direction}, slow ${direction === 'upload' ? 'service' : 'client'}` : direction;
}

/** Of several rounds, the worst growth and the median speed. */
function toRow(kind: Kind, figures: readonly Figure[]): Row {
  const worst = (pick: (figure: Figure) => number) => round(Math.max(...figures.map(pick)) / 1e6, 1);
  return {
    transfer: nameOf(kind),
    MB: round(kind.bytes / 1e6),
    'growth in first tenth, MB': worst(({ tenthGrowthBytes }) => tenthGrowthBytes),
    'growth in all, MB': worst(({ growthBytes }) => growthBytes),
    'peak RSS, MB': worst(({ peakBytes }) => peakBytes),
    'MB/s': round(median(figures.map(({ seconds }) => kind.bytes / 1e6 / seconds))),
  };
}

if (import.meta.main) await runAlone(runBodyMemoryBench, defaults);
