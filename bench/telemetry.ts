/**
 * What it costs to tell of requests: processor time of gateways that differ in nothing else, for a request that is proxied. Metrics are
 * counted in all of them. What goes to the collector is made by another thread of the same process, and counts.
 *
 * Usage: node bench/telemetry.ts [--rounds 7] [--seconds 2] [--markdown]
 *
 * The gateways take turns within a round; ratios are those of one round, and their median counts. The target is 1.10 with an access log
 * and 1 % traced.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type GatewayUnderTest, startGateway } from './support/gateway-under-test.ts';
import { GATEWAY_CPU, measureRequests, OTHER_CPU } from './support/route-costs.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 7, seconds: 2 };

interface Way {
  readonly accessLog: boolean;
  /** Which share is traced; `undefined`: there are no traces. */
  readonly sample?: string;
}

/** By the name of the row. */
const ways: Readonly<Record<string, Way>> = {
  'neither log nor traces': { accessLog: false },
  'access log': { accessLog: true },
  'access log, none traced': { accessLog: true, sample: '0%' },
  'access log, 1 % traced': { accessLog: true, sample: '1%' },
  'access log, all traced': { accessLog: true, sample: '100%' },
};

export async function runTelemetryBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  const gateways: GatewayUnderTest[] = [];
  const costs = Object.keys(ways).map((): number[] => []);
  let failed = 0;
  try {
    for (const way of Object.values(ways)) gateways.push(await startTelling(upstream.port, port, way));
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, gateway] of gateways.entries()) {
        const { usPerRequest, failures } = await measureRequests(gateway, { path: '/api/x', seconds, route: {} });
        costs[i]!.push(usPerRequest);
        failed += failures;
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), ...gateways.map(({ child }) => child.end())]);
    collector.close();
    collector.closeAllConnections();
  }
  const rows = Object.keys(ways).map(
    (way, i): Row => ({ way, 'µs CPU': round(median(costs[i]!), 1), ratio: round(medianRatio(costs[i]!, costs[0]!), 3) }),
  );
  return { name: 'Telemetry', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

function startTelling(service: number, collector: number, { accessLog, sample }: Way): Promise<GatewayUnderTest> {
  return startGateway({
    folder: createScratchFolder(),
    services: { small: service },
    routes: '  all: { match: { path: /* }, to: small }\n',
    cpu: GATEWAY_CPU,
    accessLog,
    ...(sample !== undefined && { more: `tracing: { to: { otlp: "http://127.0.0.1:${collector}" }, sample: ${sample} }\n` }),
  });
}

if (import.meta.main) await runAlone(runTelemetryBench, defaults);
