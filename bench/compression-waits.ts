/**
 * How long a client waits for a short answer while a gateway compresses large ones for others: one request at a time, a pause between them,
 * beside four clients that ask for 1 MiB of JSON all the time.
 *
 * Usage: node bench/compression-waits.ts [--seconds 2] [--markdown]
 *
 * With a few processors the pool of threads and everything else share them, so what has to be compared is "as it is", not "nothing".
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compressConfig } from '#policies/compress/config.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { Load } from './support/load.ts';
import { makeJson } from './support/sample-bodies.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { round } from './support/statistics.ts';

const defaults = { seconds: 2 };
const LARGE_BYTES = 1024 * 1024;
const LARGE_ANSWERS_AT_A_TIME = 4;
const WARM_UP_MS = 500;
const PAUSE_MS = 2;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;

/** How long others wait for a short answer while large ones are asked for all the time. */
async function measureOthers(seconds: number): Promise<Row[]> {
  const large = makeJson(LARGE_BYTES);
  const service = createServer((asked, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(asked.url?.startsWith('/large') ? large : '{"id":12345,"name":"widget"}');
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port: servicePort } = service.address() as AddressInfo;
  const routes = '  all: { match: { path: /* }, to: main, policies: { compress: {} } }\n';
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { main: servicePort },
    routes,
    cpu: GATEWAY_CPU,
  });
  try {
    const rows: Row[] = [];
    for (const beside of ['nothing', 'identity', ...compressConfig.parse({}).encodings])
      rows.push(await measureBeside(beside, gateway.port, seconds));
    return rows;
  } finally {
    await gateway.child.end();
    service.close();
    service.closeAllConnections();
  }
}

async function measureBeside(beside: string, port: number, seconds: number): Promise<Row> {
  let isOver = false;
  let count = 0;
  const askForLarge = async () => {
    while (!isOver) {
      await drain(port, beside);
      count += 1;
    }
  };
  const clients = beside === 'nothing' ? [] : Array.from({ length: LARGE_ANSWERS_AT_A_TIME }, askForLarge);
  const load = new Load({ port, path: '/small', connections: 1, pauseMs: PAUSE_MS }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  count = 0;
  await pause(seconds * 1_000);
  const figures = await load.take();
  const perSecond = count / figures.seconds;
  isOver = true;
  await Promise.all([load.end(), ...clients]);
  return {
    beside: beside === 'identity' ? '1 MiB as it is' : beside === 'nothing' ? beside : `1 MiB with ${beside}`,
    'large answers/s': round(perSecond, 0),
    'p50 ms': round(figures.p50Us / 1_000, 2),
    'p99 ms': round(figures.p99Us / 1_000, 2),
  };
}

function drain(port: number, encoding: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': encoding };
    const asked = request({ host: '127.0.0.1', port, path: '/large', headers, agent: false }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    });
    asked.once('error', reject).end();
  });
}

export async function runCompressionWaitsBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { seconds } = { ...defaults, ...given };
  return { name: 'waiting beside compression', rows: await measureOthers(seconds) };
}

if (import.meta.main) await runAlone(runCompressionWaitsBench, defaults);
