/**
 * How long a data thread stands still while it looks at tokens for the first time, beside requests that it serves. What a token
 * costs that is known already is in `policies.ts`.
 *
 * Usage: node bench/tokens.ts [--rounds 7] [--markdown]
 *
 * The target is no turn of 2 ms of processor time of the thread (`support/turn-meter.ts`) in the median round.
 */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { pause } from './support/child-process.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, round } from './support/statistics.ts';
import { createTokenSigner } from './support/token-signer.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 7 };
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const FIRST_TOKENS = 50;
/** Longer than it takes until the meter has told. */
const TOLD_WITHIN_MS = 150;
const ALGORITHMS = ['ES256', 'RS256'] as const;

export async function runTokensBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const signers = await Promise.all(ALGORITHMS.map(createTokenSigner));
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const turns: number[] = [];
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { small: upstream.port },
    routes: signers.map(({ policy }, i) => `  r${i}: { match: { path: /r${i} }, policies: { ${policy} }, to: small }\n`).join(''),
    cpu: GATEWAY_CPU,
    nodeFlags: ['--import', join(import.meta.dirname, 'support/turn-meter.ts')],
    onLine: (line) => {
      const turn = /^turn ([\d.]+)/.exec(line);
      if (turn !== null) turns.push(Number(turn[1]));
    },
  });
  const longest: number[][] = ALGORITHMS.map(() => []);
  let failed = 0;
  try {
    // One for which everything is loaded.
    for (const [i, { sign }] of signers.entries()) failed += await showAll(gateway.port, `/r${i}`, [await sign()]);
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, { sign }] of signers.entries()) {
        const tokens = await Promise.all(Array.from({ length: FIRST_TOKENS }, sign));
        await pause(TOLD_WITHIN_MS);
        turns.length = 0;
        failed += await showAll(gateway.port, `/r${i}`, tokens);
        await pause(TOLD_WITHIN_MS);
        longest[i]!.push(Math.max(...turns));
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end()]);
  }
  const rows = ALGORITHMS.map((algorithm, i): Row => ({ algorithm, 'longest turn, ms': round(median(longest[i]!), 1) }));
  return { name: 'New tokens', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

/** One after the other; how many of them were not answered with 200. */
async function showAll(port: number, path: string, tokens: readonly string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let failed = 0;
  for (const token of tokens) if ((await show({ agent, port, path }, token)) !== 200) failed += 1;
  agent.destroy();
  return failed;
}

function show(where: { readonly agent: Agent; readonly port: number; readonly path: string }, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, host: '127.0.0.1', headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end();
  });
}

if (import.meta.main) await runAlone(runTokensBench, defaults);
