/** Ten thousand routes are swapped under load: no request fails, and no data thread stands still for long. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldOf } from '#test/support/answers.ts';
import { onEachWholeRequest, untilAnswers } from '#test/support/client-bench.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';

const ROUTES = 10_000;
const SERVICES = 100;
const PAUSE_MAX_MS = 10;
const CLIENTS = 8;

/**
 * Loaded into every data thread: notes the longest turn of its event loop in each twentieth of a second, by the clock and by
 * the time that the thread itself computed. The clock also counts what other programs did on a busy machine.
 */
const meter = `
const { isMainThread } = require('node:worker_threads');
const { appendFile } = require('node:fs');
if (!isMainThread) {
  let at = performance.now();
  let used = process.threadCpuUsage();
  let longest = 0;
  let busiest = 0;
  setInterval(() => {
    const now = performance.now();
    const { user, system } = process.threadCpuUsage();
    longest = Math.max(longest, now - at);
    busiest = Math.max(busiest, (user + system - used.user - used.system) / 1000);
    at = now;
    used = { user, system };
  }, 1).unref();
  setInterval(() => {
    appendFile('turns', [Date.now(), longest.toFixed(1), busiest.toFixed(1)].join(' ') + '\\n', () => {});
    longest = busiest = 0;
  }, 50).unref();
}
`;

/** As many routes as a large installation has: hosts, captures, conditions and policies mixed. `generation` shows in answers. */
function toConfiguration(upstream: string, generation: number): string {
  const services = Array.from({ length: SERVICES }, (_, i): [string, object] => [
    `s${i}`,
    { endpoints: [upstream], timeouts: { connect: i % 2 === 0 ? '5s' : `${generation}s` } },
  ]);
  const routes = Array.from({ length: ROUTES }, (_, i): [string, object] => [
    `r${i}`,
    {
      match: {
        host: `h${i % 50}.example.com`,
        path: i % 3 === 0 ? `/area-${i % 20}/r${i}/:id` : `/area-${i % 20}/r${i}/*`,
        ...(i % 7 === 0 ? { method: ['GET', 'POST'], headers: { 'x-version': '2' } } : {}),
      },
      policies: { headers: { request: { set: { 'x-route': `r${i}-${generation}` } } } },
      to: `s${i % SERVICES}`,
    },
  ]);
  const asked = {
    match: { path: '/asked' },
    policies: { headers: { response: { set: { 'x-generation': `${generation}` } } } },
    to: 's0',
  };
  return JSON.stringify({
    version: 1,
    listeners: { web: { address: '127.0.0.1:0' } },
    threads: 2,
    accessLog: false,
    services: Object.fromEntries(services),
    routes: { ...Object.fromEntries(routes), asked },
  });
}

interface Load {
  readonly answered: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
  stop(): void;
}

/** One request after the other on each of a few connections, about a thousand a second. */
async function startLoad(port: number): Promise<Load> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(port)));
  const sentMs = clients.map(() => 0);
  const load = { answered: 0, failures: [] as string[], slowestMs: 0, stop: () => {} };
  const timer = setInterval(() => {
    for (const [i, client] of clients.entries()) {
      if (client.hasEnded) load.failures.push('the connection ended');
      if (sentMs[i] !== 0) {
        if (!client.received.endsWith('asked')) continue;
        load.slowestMs = Math.max(load.slowestMs, performance.now() - sentMs[i]!);
        const answer = client.take();
        if (answer.startsWith('HTTP/1.1 200 ')) load.answered += 1;
        else load.failures.push(answer);
      }
      sentMs[i] = performance.now();
      client.send('GET /asked HTTP/1.1\r\nhost: x\r\n\r\n');
    }
  }, 4);
  load.stop = () => {
    clearInterval(timer);
    for (const client of clients) client.close();
  };
  return load;
}

// The time is for machines that do much else: what is demanded of pauses and requests stands below.
test(`${ROUTES} routes are swapped under load without a failed request or a long pause`, { timeout: 280_000 }, async (t) => {
  const upstream = await startRawUpstream(
    onEachWholeRequest((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nasked')),
  );
  t.after(() => upstream.close());
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'meter.cjs'), meter);
  const env = { NODE_OPTIONS: `--require=${join(folder, 'meter.cjs')}` };
  const gatehouse = await GatehouseProcess.launch(t, toConfiguration(upstream.url, 1), { folder, env });
  await gatehouse.untilListening('web');
  const load = await startLoad(gatehouse.port());
  t.after(() => load.stop());
  const reloads: { fromMs: number; untilMs: number }[] = [];
  for (const generation of [2, 3, 4]) {
    const fromMs = Date.now();
    await gatehouse.reconfigure(toConfiguration(upstream.url, generation));
    reloads.push({ fromMs, untilMs: Date.now() + 100 });
  }
  load.stop();
  assert.deepEqual(load.failures, []);
  const client = await RawClient.open(gatehouse.port());
  t.after(() => client.close());
  client.send('GET /asked HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.equal(fieldOf((await untilAnswers(client, 1))[0]!, 'x-generation'), '4');
  const turns = (await readFile(join(folder, 'turns'), 'utf8')).trimEnd().split('\n').map(toTurn);
  const longest = reloads.map((reload) => Math.max(...during(turns, reload).map(({ longestMs }) => longestMs)));
  const busiest = reloads.map((reload) => Math.max(...during(turns, reload).map(({ busiestMs }) => busiestMs)));
  t.diagnostic(
    `${load.answered} requests, the slowest ${load.slowestMs.toFixed(1)} ms; longest turns of a data thread by reload: ` +
      `${busiest.join(', ')} ms computing, ${longest.join(', ')} ms by the clock; ` +
      `reloads took ${reloads.map(({ fromMs, untilMs }) => untilMs - fromMs).join(', ')} ms`,
  );
  const median = busiest.toSorted((a, b) => a - b)[1]!;
  assert.ok(median < PAUSE_MAX_MS, `a data thread was busy for ${median} ms at a time`);
});

interface Turn {
  readonly atMs: number;
  readonly longestMs: number;
  readonly busiestMs: number;
}

function toTurn(line: string): Turn {
  const [atMs, longestMs, busiestMs] = line.split(' ').map(Number);
  return { atMs: atMs!, longestMs: longestMs!, busiestMs: busiestMs! };
}

function during(turns: readonly Turn[], { fromMs, untilMs }: { fromMs: number; untilMs: number }): Turn[] {
  return turns.filter(({ atMs }) => atMs > fromMs && atMs < untilMs);
}
