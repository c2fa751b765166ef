/**
 * Runs the benchmarks, one after the other.
 *
 * Usage: npm run bench [-- --only NAME,NAME] [--rounds N] [--seconds N] [--markdown]
 *
 * NAME is that of a file of this folder. Rounds and seconds replace those that each benchmark has by default; with
 * --markdown the results are tables as bench/README.md shows them. Progress goes to the standard error.
 */
import { parseArgs } from 'node:util';
import { runAddressListsBench } from './address-lists.ts';
import { runAggregateBench } from './aggregate.ts';
import { runBalancingBench } from './balancing.ts';
import { runBatchBench } from './batch.ts';
import { runBodyMemoryBench } from './body-memory.ts';
import { runCacheBench } from './cache.ts';
import { runCacheStoreBench } from './cache-store.ts';
import { runCodecBench } from './codec.ts';
import { runCompressionBench } from './compression.ts';
import { runCompressionWaitsBench } from './compression-waits.ts';
import { runConsoleBench } from './console.ts';
import { runFilesBench } from './files.ts';
import { runGrpcBench } from './grpc.ts';
import { runHandshakesBench } from './handshakes.ts';
import { runHpackBench } from './hpack.ts';
import { runIdleMemoryBench } from './idle-memory.ts';
import { runJsonBench } from './json.ts';
import { runLatencyBench } from './latency.ts';
import { runMetricsBench } from './metrics.ts';
import { runOverloadBench } from './overload.ts';
import { runPoliciesBench } from './policies.ts';
import { runProxyCostBench } from './proxy-cost.ts';
import { runRateLimitBench } from './rate-limit.ts';
import { runRoutingBench } from './routing.ts';
import { runSharedLimitsBench } from './shared-limits.ts';
import { runStartTimeBench } from './start-time.ts';
import { type BenchResult, describeMachine, print, report, toMarkdown, toNumber, toText } from './support/bench-result.ts';
import { runSwapBench } from './swap.ts';
import { runTelemetryBench } from './telemetry.ts';
import { runTestingBench } from './testing.ts';
import { runTokensBench } from './tokens.ts';
import { runValidationBench } from './validation.ts';

/** Shortest first, so that the first figures are there soon. */
const benches: Readonly<Record<string, (given: { rounds?: number; seconds?: number }) => Promise<BenchResult>>> = {
  codec: runCodecBench,
  hpack: runHpackBench,
  json: runJsonBench,
  routing: runRoutingBench,
  'address-lists': runAddressListsBench,
  validation: runValidationBench,
  'cache-store': runCacheStoreBench,
  metrics: runMetricsBench,
  balancing: runBalancingBench,
  testing: runTestingBench,
  'start-time': runStartTimeBench,
  handshakes: runHandshakesBench,
  'body-memory': runBodyMemoryBench,
  'idle-memory': runIdleMemoryBench,
  compression: runCompressionBench,
  'compression-waits': runCompressionWaitsBench,
  latency: runLatencyBench,
  grpc: runGrpcBench,
  'rate-limit': runRateLimitBench,
  telemetry: runTelemetryBench,
  console: runConsoleBench,
  'shared-limits': runSharedLimitsBench,
  policies: runPoliciesBench,
  cache: runCacheBench,
  aggregate: runAggregateBench,
  batch: runBatchBench,
  files: runFilesBench,
  tokens: runTokensBench,
  overload: runOverloadBench,
  swap: runSwapBench,
  'proxy-cost': runProxyCostBench,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});

const names = values.only?.split(',') ?? Object.keys(benches);
const unknown = names.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  report(`--only ${unknown.join(',')}: expected some of ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

const given = {
  ...(values.rounds === undefined ? {} : { rounds: toNumber('rounds', values.rounds) }),
  ...(values.seconds === undefined ? {} : { seconds: toNumber('seconds', values.seconds) }),
};
const failed: string[] = [];
print(describeMachine());
for (const name of names) {
  report(`\n--- ${name}`);
  try {
    const result = await benches[name]!(given);
    print(`\n${values.markdown ? toMarkdown(result) : toText(result)}`);
  } catch (error) {
    // The others are still worth having.
    failed.push(name);
    report(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
if (failed.length > 0) report(`\nfailed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
