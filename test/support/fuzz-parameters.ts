import type { TestContext } from 'node:test';

const RUNS_DEFAULT = 1_000;
/** More inputs than any time allows. */
const RUNS_UNBOUNDED = 1_000_000_000;

interface FuzzParameters {
  readonly seed: number;
  readonly numRuns: number;
  readonly interruptAfterTimeLimit?: number;
}

/**
 * How long a fuzzer runs: `GATEHOUSE_FUZZ_RUNS` inputs, or as many as fit into `FUZZ_SECONDS`. The seed is printed, and
 * `FUZZ_SEED` repeats a run.
 */
export function fuzzParameters(context: TestContext): FuzzParameters {
  const seed = readNumber('FUZZ_SEED') ?? Math.floor(Math.random() * 2 ** 31);
  context.diagnostic(`FUZZ_SEED=${seed}`);
  const seconds = readNumber('FUZZ_SECONDS');
  if (seconds !== undefined) return { seed, numRuns: RUNS_UNBOUNDED, interruptAfterTimeLimit: seconds * 1_000 };
  return { seed, numRuns: readNumber('GATEHOUSE_FUZZ_RUNS') ?? RUNS_DEFAULT };
}

function readNumber(name: string): number | undefined {
  const text = process.env[name];
  return text === undefined || text === '' ? undefined : Number(text);
}
