/**
 * How long a start takes: from the moment the program is spawned to the first answer, with a small configuration.
 *
 * Usage: node bench/start-time.ts [--rounds 11] [--markdown]
 *
 * The built package is made in a temporary folder and run by its own `bin/gatehouse`; the sources are run as a checkout
 * runs them. V8's compiled code is kept in a folder of this benchmark: the first start of each fills it and is shown as
 * "cold". Targets for the median of the others: 300 ms built, 700 ms from source.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type BenchResult, type Row, report, runAlone } from './support/bench-result.ts';
import { type Child, pause, startChild } from './support/child-process.ts';
import { findFreePort } from './support/free-port.ts';
import { repositoryRoot, writeConfiguration } from './support/gateway-under-test.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median } from './support/statistics.ts';

const defaults = { rounds: 11 };
const targetsMs = { built: 300, source: 700 };
const START_WITHIN_MS = 20_000;
const BUILD_WITHIN_MS = 120_000;
const TRY_AGAIN_MS = 1;
const routes =
  '  hello: { match: { path: "/hello/:name" }, to: { respond: { status: 200, json: { hello: "${path.name}" } } } }\n';
const request = 'GET /hello/you HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n';

interface Contender {
  readonly name: keyof typeof targetsMs;
  readonly executable: string;
  readonly times: number[];
}

export async function runStartTimeBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const folder = createScratchFolder();
  const contenders: Contender[] = [
    { name: 'built', executable: await buildPackage(folder), times: [] },
    { name: 'source', executable: join(repositoryRoot, 'bin/gatehouse'), times: [] },
  ];
  const bootTimes: number[] = [];
  // One more than counts: the first is the cold one.
  for (let count = 0; count <= rounds; count += 1) {
    bootTimes.push(measureBoot());
    for (const { name, executable, times } of contenders) {
      times.push(await measureStart(executable, folder));
      report(`${name}: ${Math.round(times.at(-1)!)} ms${count === 0 ? ' (cold)' : ''}`);
    }
  }
  return {
    name: 'start time',
    rows: contenders.map(toRow),
    notes: [
      `Median of ${rounds} starts. Targets: ${targetsMs.built} ms built, ${targetsMs.source} ms from source. Node alone, doing nothing: ${Math.round(median(bootTimes))} ms.`,
    ],
  };
}

/** As it would lie in somebody's `node_modules`: `bin`, `dist` and the dependencies beside them. Returns the executable. */
async function buildPackage(folder: string): Promise<string> {
  const installed = join(folder, 'package');
  mkdirSync(installed);
  const build = startChild([process.execPath, join(repositoryRoot, 'scripts/build.ts'), '--out', join(installed, 'dist')]);
  const deadlineMs = performance.now() + BUILD_WITHIN_MS;
  while (!build.isEnded && performance.now() < deadlineMs) await pause(20);
  await build.end();
  if (build.process.exitCode !== 0) throw new Error(`the package cannot be built\n${build.lines.join('\n')}`);
  cpSync(join(repositoryRoot, 'bin'), join(installed, 'bin'), { recursive: true });
  cpSync(join(repositoryRoot, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(repositoryRoot, 'node_modules'), join(installed, 'node_modules'));
  return join(installed, 'bin/gatehouse');
}

/** What no program can be faster than. */
function measureBoot(): number {
  const startedMs = performance.now();
  execFileSync(process.execPath, ['--eval', '0']);
  return performance.now() - startedMs;
}

async function measureStart(executable: string, folder: string): Promise<number> {
  const port = await findFreePort();
  const path = join(folder, 'gatehouse.yaml');
  writeFileSync(path, writeConfiguration({ folder, routes }, port));
  const environment = { NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
  const startedMs = performance.now();
  const command = [process.execPath, executable, 'start', '--threads', '1', '--config', path];
  const child = startChild(command, { environment });
  try {
    await answers(child, port, startedMs + START_WITHIN_MS);
    return performance.now() - startedMs;
  } finally {
    // A regular end, because that is when compiled code is written.
    await child.end();
  }
}

/** Connects again and again until there is an answer. */
async function answers(child: Child, port: number, deadlineMs: number): Promise<void> {
  while (!(await ask(port))) {
    if (child.isEnded || performance.now() > deadlineMs) throw new Error(`no answer\n${child.lines.join('\n')}`);
    await pause(TRY_AGAIN_MS);
  }
}

function ask(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => socket.write(request));
    socket.once('error', () => resolve(false));
    socket.once('data', (bytes) => {
      socket.destroy();
      if (bytes.toString('latin1', 0, 12) === 'HTTP/1.1 200') resolve(true);
      else reject(new Error(bytes.toString('latin1')));
    });
    socket.once('close', () => resolve(false));
  });
}

function toRow({ name, times }: Contender): Row {
  const [coldMs, ...warm] = times;
  return {
    program: name,
    'median, ms': Math.round(median(warm)),
    'fastest, ms': Math.round(Math.min(...warm)),
    'slowest, ms': Math.round(Math.max(...warm)),
    'cold, ms': Math.round(coldMs!),
    'target, ms': targetsMs[name],
  };
}

if (import.meta.main) await runAlone(runStartTimeBench, defaults);
