/**
 * What a signed token adds to a request, once it is known: processor time of the gateway, by a route with `jwt` against one
 * without, to the same service of the same gateway, with the same token. And how long the data thread stands still while it looks
 * at tokens for the first time.
 *
 * Usage: node bench/tokens.ts [--rounds 7] [--seconds 2] [--markdown]
 *
 * The routes take turns within a round; ratios are those of one round, and their median counts. The targets are 1.15 with a rate
 * limit, and no turn of 2 ms of processor time of the thread (`support/turn-meter.ts`) in the median round.
 */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { pause } from './support/child-process.ts';
import { type GatewayUnderTest, startGateway } from './support/gateway-under-test.ts';
import { Load } from './support/load.ts';
import { readCpuUs } from './support/process-figures.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { startUpstream } from './support/upstream.ts';

const defaults = { rounds: 7, seconds: 2 };
const CONNECTIONS = 16;
const WARM_UP_MS = 500;
const GATEWAY_CPU = 0;
const OTHER_CPU = 1;
const FIRST_TOKENS = 50;
/** Longer than it takes until the meter has told. */
const TOLD_WITHIN_MS = 150;
const ISSUER = 'https://login.example.com/';
const ALGORITHMS = ['ES256', 'RS256'] as const;

type Algorithm = (typeof ALGORITHMS)[number];

/** Signs, and says what it signs with. */
async function createSigner(algorithm: Algorithm) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = JSON.stringify({ ...(await exportJWK(publicKey)), kid: algorithm });
  let count = 0;
  const sign = () =>
    new SignJWT({ n: count++, scope: 'orders:read orders:write', email: 'ann@example.com', roles: ['buyer'] })
      .setProtectedHeader({ alg: algorithm, kid: algorithm, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject('248289761001')
      .setAudience('shop')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  return { jwk, sign };
}

export async function runTokensBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds, seconds } = { ...defaults, ...given };
  const signers = await Promise.all(ALGORITHMS.map(createSigner));
  const jwt = `jwt: { issuer: "${ISSUER}", audience: shop, jwks: { keys: [${signers.map(({ jwk }) => jwk).join(', ')}] } }`;
  const limit = 'rate-limit: { limit: 1000000/second, by: consumer }';
  const ways = { without: '', 'a known token': jwt, 'a known token and a rate limit': `${jwt}, ${limit}` };
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const turns: number[] = [];
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { small: upstream.port },
    routes: Object.values(ways)
      .map((policies, i) => `  r${i}: { match: { path: /api/r${i} }, policies: { ${policies} }, to: small }\n`)
      .join(''),
    cpu: GATEWAY_CPU,
    nodeFlags: ['--import', join(import.meta.dirname, 'support/turn-meter.ts')],
    onLine: (line) => {
      const turn = /^turn ([\d.]+)/.exec(line);
      if (turn !== null) turns.push(Number(turn[1]));
    },
  });
  const figures: number[][] = Object.keys(ways).map(() => []);
  const longest: number[][] = ALGORITHMS.map(() => []);
  const token = await signers[0]!.sign();
  let failed = 0;
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, costs] of figures.entries()) {
        const { usPerRequest, failures } = await measure(gateway, { path: `/api/r${i}`, token, seconds });
        costs.push(usPerRequest);
        failed += failures;
      }
      for (const [i, { sign }] of signers.entries()) {
        const tokens = await Promise.all(Array.from({ length: FIRST_TOKENS }, sign));
        await pause(TOLD_WITHIN_MS);
        turns.length = 0;
        failed += await showAll(gateway.port, tokens);
        await pause(TOLD_WITHIN_MS);
        longest[i]!.push(Math.max(...turns));
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end()]);
  }
  const known = Object.keys(ways).map(
    (way, i): Row => ({ way, 'µs CPU': round(median(figures[i]!), 1), ratio: round(medianRatio(figures[i]!, figures[0]!), 3) }),
  );
  const first = ALGORITHMS.map(
    (algorithm, i): Row => ({ way: `new tokens, ${algorithm}`, 'longest turn, ms': round(median(longest[i]!), 1) }),
  );
  return { name: 'Tokens', rows: [...known, ...first], notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

async function measure(
  { child, port }: GatewayUnderTest,
  { path, token, seconds }: { readonly path: string; readonly token: string; readonly seconds: number },
): Promise<{ usPerRequest: number; failures: number }> {
  const load = new Load({ port, path, connections: CONNECTIONS, pauseMs: 0, token }, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  const beforeUs = readCpuUs(child.pid);
  await pause(seconds * 1_000);
  const { requests, failed } = await load.take();
  const usedUs = readCpuUs(child.pid) - beforeUs;
  await load.end();
  return { usPerRequest: usedUs / requests, failures: failed };
}

/** One after the other; how many of them were not answered with 200. */
async function showAll(port: number, tokens: readonly string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let failed = 0;
  for (const token of tokens) if ((await show(agent, port, token)) !== 200) failed += 1;
  agent.destroy();
  return failed;
}

function show(agent: Agent, port: number, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, path: '/api/r1', headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end();
  });
}

if (import.meta.main) await runAlone(runTokensBench, defaults);
