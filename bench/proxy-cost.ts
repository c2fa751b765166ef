/**
 * What one proxied request costs in processor time, beside nginx, HAProxy and Caddy where they are installed.
 *
 * Usage: node bench/proxy-cost.ts [--rounds 3] [--seconds 5] [--connections 64] [--workloads plain,tls,h2,100k,10m] [--markdown]
 *
 * Each gateway runs alone on CPU 0 with one worker; the load generator and the upstream share CPU 1. What counts is the
 * processor time of the gateway's processes, user and system, as a ratio to nginx in the same round: throughput and
 * latency depend on the machine's mood. `plain` is HTTP/1.1 over connections that are kept alive, `tls` the same over TLS, `h2`
 * HTTP/2 over TLS with 128 requests at a time; the others are large bodies. Gatehouse writes its access log to a file; the others write none.
 */
import { execFileSync } from 'node:child_process';
import { type BenchCertificate, makeCertificate } from './support/bench-certificate.ts';
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { type Child, canPin, findProgram, pause, startChild } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { Load } from './support/load.ts';
import { otherGateways, startNginxUpstreams } from './support/other-gateways.ts';
import { readCpuUs, readFamilyRssBytes } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 3, seconds: 5, connections: 64, workloads: 'plain,tls,h2,100k,10m' };
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const WARM_UP_SECONDS = 2;
const LARGE_BODY_CONNECTIONS = 16;
const HTTP2_CONNECTIONS = 8;
const HTTP2_STREAMS = 16;
/** What makes the load of a workload, or what is needed for it, where there is no other way. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { tls: ['openssl', 'wrk'], h2: ['openssl', 'h2load'] };
/** A figure is not counted when more than one request in a thousand failed. */
const FAILED_SHARE_MAX = 0.001;
const OURS = 'gatehouse';
const SMALL_PATH = '/api/x';

interface Upstreams {
  readonly folder: string;
  /** Only where workloads need one. */
  readonly certificate: BenchCertificate | undefined;
  readonly child: Child;
  readonly smallPort: number;
  readonly filesPort: number;
}

interface Running {
  readonly child: Child;
  readonly port: number;
}

interface Demand {
  readonly workload: string;
  readonly connections: number;
  readonly seconds: number;
}

interface Served {
  readonly requests: number;
  readonly failed: number;
  readonly perSecond: number;
}

interface Figure extends Served {
  readonly round: number;
  readonly gateway: string;
  readonly workload: string;
  readonly costUs: number;
  readonly rssBytes: number;
}

export async function runProxyCostBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds, connections, workloads } = { ...defaults, ...given };
  const gateways = [OURS, ...Object.keys(otherGateways).filter((name) => findProgram(name) !== undefined)];
  const wanted = workloads.split(',');
  const possible = wanted.filter((workload) => findMissing(workload).length === 0);
  const upstreams = await startUpstreams(possible.some(usesTls));
  const figures: Figure[] = [];
  try {
    for (let count = 1; count <= rounds; count += 1) {
      for (const workload of possible) {
        const isSmall = toPath(workload) === SMALL_PATH;
        const demand = { workload, connections: isSmall ? connections : LARGE_BODY_CONNECTIONS, seconds };
        for (const gateway of gateways) figures.push({ ...(await measure(gateway, demand, upstreams)), round: count });
      }
    }
  } finally {
    await upstreams.child.end();
  }
  const left = wanted.filter((workload) => !possible.includes(workload));
  return { name: 'proxy cost', rows: toRows(figures), notes: [...left.map(toLeftNote), ...toNotes(figures, gateways)] };
}

function findMissing(workload: string): string[] {
  return (NEEDED[workload] ?? []).filter((program) => findProgram(program) === undefined);
}

function toLeftNote(workload: string): string {
  return `Left out: ${workload}, for want of ${findMissing(workload).join(' and ')}.`;
}

function usesTls(workload: string): boolean {
  return workload === 'tls' || workload === 'h2';
}

async function startUpstreams(needsCertificate: boolean): Promise<Upstreams> {
  const folder = createScratchFolder();
  const certificate = needsCertificate ? makeCertificate(folder) : undefined;
  if (findProgram('nginx') !== undefined)
    return { folder, certificate, ...(await startNginxUpstreams({ folder, cpu: OTHER_CPU })) };
  const { child, port } = await startUpstream({ cpu: OTHER_CPU });
  return { folder, certificate, child, smallPort: port, filesPort: port };
}

async function measure(gateway: string, demand: Demand, upstreams: Upstreams): Promise<Omit<Figure, 'round'>> {
  const { child, port } = await startOne(gateway, demand.workload, upstreams);
  try {
    await load(port, { ...demand, seconds: Math.min(WARM_UP_SECONDS, demand.seconds) });
    const beforeUs = readCpuUs(child.pid);
    const served = await load(port, demand);
    const costUs = (readCpuUs(child.pid) - beforeUs) / served.requests;
    const figure = { gateway, workload: demand.workload, ...served, costUs, rssBytes: readFamilyRssBytes(child.pid) };
    report(
      `${demand.workload.padEnd(6)} ${gateway.padEnd(10)} ${costUs.toFixed(1)} µs/request, ${Math.round(served.perSecond)}/s, ${served.failed} failed`,
    );
    return figure;
  } finally {
    await child.end();
  }
}

function startOne(gateway: string, workload: string, upstreams: Upstreams): Promise<Running> {
  const { folder, smallPort, filesPort } = upstreams;
  const certificate = usesTls(workload) ? upstreams.certificate : undefined;
  const start = otherGateways[gateway];
  const common = { folder, cpu: GATEWAY_CPU, ...(certificate !== undefined && { certificate }) };
  if (start !== undefined) return start({ ...common, smallPort, filesPort });
  return startGateway({
    ...common,
    services: { small: smallPort, files: filesPort },
    routes: '  api: { match: { path: /* }, to: small }\n  files: { match: { path: /files/* }, to: files }\n',
  });
}

/** Both are warm before they are measured; what the load generator does in the meantime goes to the warm-up. */
function load(port: number, demand: Demand): Promise<Served> {
  if (demand.workload === 'h2') return loadWithH2load(port, demand);
  return findProgram('wrk') === undefined ? loadWithNode(port, demand) : loadWithWrk(port, demand);
}

function toPath(workload: string): string {
  return workload === 'plain' || usesTls(workload) ? SMALL_PATH : `/files/${workload}`;
}

function toUrl(port: number, workload: string): string {
  // Caddy serves the certificate to who asks for its host.
  return usesTls(workload) ? `https://localhost:${port}${toPath(workload)}` : `http://127.0.0.1:${port}${toPath(workload)}`;
}

async function loadWithNode(port: number, { workload, connections, seconds }: Demand): Promise<Served> {
  const generator = new Load({ port, path: toPath(workload), connections, pauseMs: 0 }, { cpu: OTHER_CPU });
  await pause(seconds * 1000);
  const { requests, failed, seconds: measured } = await generator.take();
  await generator.end();
  return { requests, failed, perSecond: requests / measured };
}

async function loadWithWrk(port: number, { workload, connections, seconds }: Demand): Promise<Served> {
  const fields = ['Accept: application/json', 'User-Agent: bench/1', 'Authorization: Bearer abcdefghijklmnop'];
  const url = toUrl(port, workload);
  // An answer that takes longer than that has failed; by default wrk thinks so after two seconds, which a busy machine can need.
  const timing = [`-d${Math.ceil(seconds)}s`, '--timeout', '10s'];
  const options = ['-t1', `-c${connections}`, ...timing, ...fields.flatMap((field) => ['-H', field])];
  return readWrk(await runLoader([findProgram('wrk')!, ...options, url], seconds));
}

async function loadWithH2load(port: number, { workload, seconds }: Demand): Promise<Served> {
  const options = [`-c${HTTP2_CONNECTIONS}`, `-m${HTTP2_STREAMS}`, `-D${Math.ceil(seconds)}`];
  return readH2load(await runLoader([findProgram('h2load')!, ...options, toUrl(port, workload)], seconds));
}

/** What the program says, once it has ended. */
async function runLoader(command: string[], seconds: number): Promise<string> {
  const loader = startChild(command, { cpu: OTHER_CPU });
  const deadlineMs = performance.now() + seconds * 1000 + 15_000;
  while (!loader.isEnded && performance.now() < deadlineMs) await pause(10);
  await loader.end();
  // The last lines may still be on their way when the program has ended.
  await pause(50);
  return loader.lines.join('\n');
}

function readH2load(text: string): Served {
  const read = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  // All three are words of one line: `requests: … done, … succeeded, … failed, … errored, … timeout`.
  const failed = read(/ (\d+) failed,/) + read(/ (\d+) errored,/) + read(/ (\d+) timeout/);
  return { requests: read(/ (\d+) succeeded,/), failed, perSecond: read(/^finished in [^,]+, ([\d.]+) req\/s/m) };
}

function readWrk(text: string): Served {
  const read = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const socketErrors = /Socket errors: (.*)/.exec(text)?.[1]?.match(/\d+/g) ?? [];
  const failed = read(/Non-2xx or 3xx responses: (\d+)/) + socketErrors.reduce((sum, count) => sum + Number(count), 0);
  return { requests: read(/(\d+) requests in/), failed, perSecond: read(/Requests\/sec: +([\d.]+)/) };
}

function countsAsGood({ requests, failed }: Served): boolean {
  return requests > 0 && failed <= requests * FAILED_SHARE_MAX;
}

function toRows(figures: readonly Figure[]): Row[] {
  const workloads = [...new Set(figures.map(({ workload }) => workload))];
  return workloads.flatMap((workload) => {
    const ofWorkload = figures.filter((figure) => figure.workload === workload);
    const names = [...new Set(ofWorkload.map(({ gateway }) => gateway))];
    return names.map((gateway) => toRow(gateway, ofWorkload));
  });
}

function toRow(gateway: string, ofWorkload: readonly Figure[]): Row {
  const good = ofWorkload.filter((figure) => figure.gateway === gateway && countsAsGood(figure));
  const pairs = good.flatMap((figure) => {
    const nginx = ofWorkload.find((other) => other.gateway === 'nginx' && other.round === figure.round && countsAsGood(other));
    return nginx === undefined ? [] : [{ own: figure.costUs, nginx: nginx.costUs }];
  });
  const ratio = medianRatio(
    pairs.map(({ own }) => own),
    pairs.map(({ nginx }) => nginx),
  );
  return {
    workload: ofWorkload[0]!.workload,
    gateway,
    'µs CPU/request': good.length === 0 ? 'failed' : round(median(good.map(({ costUs }) => costUs)), 1),
    '/ nginx': Number.isNaN(ratio) ? '' : ratio.toFixed(2),
    'requests/s': good.length === 0 ? '' : Math.round(median(good.map(({ perSecond }) => perSecond))),
    'RSS, MB': good.length === 0 ? '' : Math.round(median(good.map(({ rssBytes }) => rssBytes)) / 1e6),
  };
}

function toNotes(figures: readonly Figure[], gateways: readonly string[]): string[] {
  const missing = ['nginx', 'haproxy', 'caddy', 'wrk'].filter((name) => findProgram(name) === undefined);
  const failed = figures.filter((figure) => !countsAsGood(figure));
  return [
    `Versions: ${
      gateways
        .filter((name) => name !== OURS)
        .map(readVersion)
        .join(', ') || 'none to compare with'
    }.`,
    ...(missing.length > 0 ? [`Not installed: ${missing.join(', ')}.`] : []),
    ...(missing.includes('nginx') ? ['Without nginx there is no ratio, and a Node program answers behind the gateway.'] : []),
    ...(missing.includes('wrk')
      ? ['Without wrk a Node program makes the load: fewer requests per second reach the gateway.']
      : []),
    ...(canPin() ? [] : ['Nothing was kept on a processor of its own (that needs taskset and two processors).']),
    ...failed.map(
      (one) => `Not counted: ${one.workload} ${one.gateway}, round ${one.round}: ${one.failed} of ${one.requests} failed.`,
    ),
  ];
}

/** nginx says its version on the error stream, the others on the other. */
function readVersion(name: string): string {
  const argument = name === 'caddy' ? 'version' : '-v';
  const text = execFileSync('/bin/sh', ['-c', '"$0" "$1" 2>&1', findProgram(name)!, argument], { encoding: 'latin1' });
  return `${name} ${/\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? '(unknown)'}`;
}

if (import.meta.main) await runAlone(runProxyCostBench, defaults);
