/**
 * What finding out who asks adds to a request, and limits beside it: processor time of the gateway, by a route with policies
 * against one without. All is warm: keys and tokens have been shown before.
 *
 * Usage: node bench/policies.ts [--rounds 7] [--seconds 2] [--markdown]
 *
 * The routes take turns within a round; ratios are those of one round, and their median counts. Targets: a key and a rate limit
 * 1.15, a token with a rate limit and CORS 1.25.
 */
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type MeasuredRoute, measureRouteCosts } from './support/route-costs.ts';
import { median, medianRatio, round } from './support/statistics.ts';
import { createTokenSigner } from './support/token-signer.ts';

const defaults = { rounds: 7, seconds: 2 };
const KEY = 'bench-key-0123456789abcdef';
const LIMIT = 'rate-limit: { limit: 1000000/second, by: consumer }';
const CORS = 'cors: { origins: ["https://shop.example.com"] }';

export async function runPoliciesBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const options = { ...defaults, ...given };
  const { policy: jwt, sign } = await createTokenSigner('ES256');
  const credential = `authorization: Bearer ${await sign()}`;
  const ways: Readonly<Record<string, MeasuredRoute>> = {
    without: {},
    'key and rate limit': { policies: `api-key: {}, ${LIMIT}`, credential: `x-api-key: ${KEY}` },
    'without, with a token': { credential },
    token: { policies: jwt, credential },
    'token, rate limit and CORS': { policies: `${CORS}, ${jwt}, ${LIMIT}`, credential },
    'token, scopes, rate limit and CORS': {
      policies: `${CORS}, ${jwt}, authorize: { scopes: ["orders:read"] }, ${LIMIT}`,
      credential,
    },
  };
  const { usByRoute, failed } = await measureRouteCosts(Object.values(ways), {
    ...options,
    more: `consumers: { alice: { keys: ["${KEY}"] } }\n`,
  });
  const rows = Object.keys(ways).map(
    (way, i): Row => ({
      way,
      'µs CPU': round(median(usByRoute[i]!), 1),
      ratio: round(medianRatio(usByRoute[i]!, usByRoute[0]!), 3),
    }),
  );
  return { name: 'Policies', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

if (import.meta.main) await runAlone(runPoliciesBench, defaults);
