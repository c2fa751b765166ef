/**
 * What counting adds to a request, and what the page of metrics costs whoever writes it: the control thread, which with `threads: 0`
 * serves besides.
 *
 * Usage: node bench/metrics.ts [--rounds 7] [--routes 1000] [--threads 4] [--markdown]
 *
 * A request is begun and finished, on a route that had others before; routes take turns, and each has two statuses. The page tells
 * of all routes as so many threads have counted them. Its longest step is what a request may have to wait for. Figures are processor time,
 * but for the step. The targets are 50 ms for 1,000 routes, and no step of 2 ms.
 */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { ThreadMeter } from '#base/meter.ts';
import { meterFamilies } from '#runtime/meter-families.ts';
import { MeterPage } from '#runtime/meter-page.ts';
import { type CountedExchange, RequestMeter } from '#runtime/request-meter.ts';
import { ThreadMeters } from '#runtime/thread-meters.ts';
import { type BenchResult, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 7, routes: 1_000, threads: 4 };
const COUNTED = 500_000;
const STATUSES = [200, 503] as const;
const BYTES_PER_KB = 1_024;
const MICROS_PER_MS = 1_000;
const NANOS_PER_MS = 1e6;

export async function runMetricsBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, routes, threads } = { ...defaults, ...given };
  const meters = new ThreadMeters();
  const requestMeters = Array.from(
    { length: threads },
    (_, thread) => new RequestMeter(new ThreadMeter(meters.provide(thread)).resume(meterFamilies)),
  );
  // Each thread has plans of its own.
  const exchanges = requestMeters.map(() => makeExchanges(routes));
  for (const [thread, meter] of requestMeters.entries()) count(meter, exchanges[thread]!, exchanges[thread]!.length);
  const page = new MeterPage();
  const nanos: number[] = [];
  const pages: WrittenPage[] = [];
  for (let i = 0; i < rounds; i++) {
    const startMs = cpuMs();
    count(requestMeters[0]!, exchanges[0]!, COUNTED);
    nanos.push(((cpuMs() - startMs) * NANOS_PER_MS) / COUNTED);
    pages.push(write(page, meters));
  }
  const { text } = pages[0]!;
  const packed = await promisify(gzip)(text, { level: constants.Z_BEST_SPEED });
  return {
    name: 'Metrics',
    rows: [
      { what: 'counting one request', figure: round(median(nanos) / 1_000, 3), unit: 'µs' },
      { what: 'writing the page', figure: round(median(pages.map(({ ms }) => ms)), 1), unit: 'ms' },
      { what: 'its longest step', figure: round(findLongestStep(pages), 2), unit: 'ms' },
      { what: 'the page', figure: Math.round(text.length / BYTES_PER_KB), unit: 'KiB' },
      { what: 'the page, compressed', figure: Math.round(packed.length / BYTES_PER_KB), unit: 'KiB' },
    ],
    notes: [`${routes} routes, ${threads} threads, ${text.split('\n').length} lines.`],
  };
}

function makeExchanges(routes: number): CountedExchange[] {
  return Array.from({ length: routes }, (_, i) => ({ routeName: `route-${i}` })).flatMap((plan, i) =>
    STATUSES.map((status) => ({
      attempts: 1,
      error: undefined,
      finishedMs: 1_000 + (i % 50),
      isTunnel: false,
      plan,
      request: { listener: 'web', method: 'GET' },
      requestBytes: 0,
      responseBytes: 106,
      serviceName: `service-${i % 100}`,
      startedMs: 1_000,
      status,
    })),
  );
}

function count(meter: RequestMeter, exchanges: readonly CountedExchange[], times: number): void {
  for (let i = 0; i < times; i++) {
    const exchange = exchanges[i % exchanges.length]!;
    meter.begin(exchange, exchange.plan!);
    meter.finish(exchange);
  }
}

interface WrittenPage {
  readonly text: string;
  readonly ms: number;
  /** How long each step has taken, in their order. */
  readonly stepsMs: readonly number[];
}

function write(page: MeterPage, meters: ThreadMeters): WrittenPage {
  const pieces: string[] = [];
  const stepsMs: number[] = [];
  const beganMs = cpuMs();
  let stepMs = performance.now();
  for (const piece of page.write(meters)) {
    if (piece !== undefined) pieces.push(piece);
    const nowMs = performance.now();
    stepsMs.push(nowMs - stepMs);
    stepMs = nowMs;
  }
  return { text: pieces.join(''), ms: cpuMs() - beganMs, stepsMs };
}

/** Steps are the same in each round, and processor time is not told finely enough for them: the shortest of each counts. */
function findLongestStep(pages: readonly WrittenPage[]): number {
  const [first, ...others] = pages;
  const shortest = first!.stepsMs.map((ms, step) =>
    others.reduce((least, { stepsMs }) => Math.min(least, stepsMs[step] ?? least), ms),
  );
  return shortest.reduce((longest, ms) => Math.max(longest, ms), 0);
}

/** Processor time of this thread: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / MICROS_PER_MS;
}

if (import.meta.main) await runAlone(runMetricsBench, defaults);
