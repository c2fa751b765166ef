/**
 * What a full TLS handshake (EC P-256, no resumption) costs in processor time, beside nginx where it is installed.
 *
 * Usage: node bench/handshakes.ts [--rounds 3] [--seconds 4] [--markdown]
 *
 * The gateways run on CPU 0 with one worker each and take turns; `openssl s_time` opens one connection after the other from
 * CPU 1. What counts is the processor time of the gateway's processes, which includes opening and closing the connection.
 */
import { makeCertificate } from './support/bench-certificate.ts';
import { type BenchResult, report, runAlone } from './support/bench-result.ts';
import { findProgram, pause, startChild } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { startNginxWithTls } from './support/other-gateways.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';

const defaults = { rounds: 3, seconds: 4 };
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const WARM_UP_SECONDS = 2;

export async function runHandshakesBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const name = 'handshakes';
  if (findProgram('openssl') === undefined) return { name, rows: [], notes: ['Needs openssl, which is not installed.'] };
  const folder = createScratchFolder();
  const certificate = makeCertificate(folder);
  const routes = '  all: { match: { path: /* }, to: { respond: { status: 200, text: hello } } }\n';
  const ours = await startGateway({ folder, routes, certificate, cpu: GATEWAY_CPU });
  const nginx =
    findProgram('nginx') === undefined ? undefined : await startNginxWithTls({ folder, ...certificate, cpu: GATEWAY_CPU });
  try {
    const costs = { gatehouse: [] as number[], nginx: [] as number[] };
    for (let count = 0; count <= rounds; count += 1) {
      for (const [gateway, running] of [['nginx', nginx] as const, ['gatehouse', ours] as const]) {
        if (running === undefined) continue;
        const costUs = await measure(running, count === 0 ? WARM_UP_SECONDS : seconds);
        if (count === 0) continue;
        costs[gateway].push(costUs);
        report(`${gateway.padEnd(10)} ${costUs.toFixed(0)} µs/handshake`);
      }
    }
    const ratio = medianRatio(costs.gatehouse, costs.nginx);
    const rows = [
      {
        gateway: 'gatehouse',
        'µs CPU/handshake': round(median(costs.gatehouse)),
        '/ nginx': Number.isNaN(ratio) ? '' : ratio.toFixed(2),
      },
      ...(nginx === undefined ? [] : [{ gateway: 'nginx', 'µs CPU/handshake': round(median(costs.nginx)), '/ nginx': '1.00' }]),
    ];
    return { name, rows, notes: ['Target: at most 1.3 × nginx.'] };
  } finally {
    await ours.child.end();
    await nginx?.child.end();
  }
}

/** Microseconds of processor time for one handshake. */
async function measure({ child, port }: Awaited<ReturnType<typeof startNginxWithTls>>, seconds: number): Promise<number> {
  const beforeUs = readCpuUs(child.pid);
  const command = [findProgram('openssl')!, 's_time', '-connect', `127.0.0.1:${port}`, '-new', '-time', String(seconds)];
  const client = startChild(command, { cpu: OTHER_CPU });
  const deadlineMs = performance.now() + seconds * 1000 + 15_000;
  while (!client.isEnded && performance.now() < deadlineMs) await pause(10);
  await client.end();
  // The last lines may still be on their way when the program has ended.
  await pause(50);
  const handshakes = Number(/^(\d+) connections in \d+ real seconds/m.exec(client.lines.join('\n'))?.[1] ?? 0);
  if (handshakes === 0) throw new Error(`no handshake came to its end:\n${client.lines.join('\n')}`);
  return (readCpuUs(child.pid) - beforeUs) / handshakes;
}

if (import.meta.main) await runAlone(runHandshakesBench, defaults);
