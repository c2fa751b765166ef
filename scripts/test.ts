/**
 * Runs the checks, then every test. Node's own summary is the last thing printed.
 *
 * Usage: npm test                                    everything
 *        npm test -- src/net/pool.test.ts            one file, without the checks
 *        npm test -- --test-name-pattern='answers'   any option of node --test, without the checks
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureConsole } from './build-console.ts';
import { runChecks } from './check.ts';
import { ensureTestTools, reportMissingTools, testPath } from './ensure-test-tools.ts';
import { repositoryRoot } from './run-tool.ts';

/** Fuzzers are tests too: here each tries this many inputs, and more when somebody asks for more. */
const fuzzRuns = '300';

const testGlobs = ['src/**/*.test.ts', 'src/**/*.fuzz.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'];

const compileCache = join(repositoryRoot, 'node_modules', '.cache', 'compiled');

/** A test that takes longer hangs. */
const testTimeoutMs = 300_000;

/** So does a run that takes longer. Interrupted, Node still names the files that did not end and prints its summary. */
const runTimeoutMs = 40 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  const missing = ensureTestTools();
  if (!reportMissingTools(missing, process.env['CI'] === 'true')) return 1;
  const isWholeRun = args.length === 0;
  if (isWholeRun && !(await runChecks({ withHouseRules: false }))) return 1;
  // Several files look at it, and one builds it.
  await ensureConsole();
  return runTests(args, missing);
}

function runTests(args: readonly string[], missing: readonly string[]): number {
  const options = args.filter((argument) => argument.startsWith('-'));
  const chosen = args.filter((argument) => !argument.startsWith('-'));
  const { status } = spawnSync(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--import=${new URL('./leftover-guard.ts', import.meta.url)}`,
      `--test-timeout=${testTimeoutMs}`,
      // One process per file, and each waits much of its time: two at least, also where Node would choose one.
      `--test-concurrency=${Math.max(2, availableParallelism())}`,
      ...options,
      ...(chosen.length > 0 ? chosen : globSync(testGlobs, { cwd: repositoryRoot }).sort()),
    ],
    { cwd: repositoryRoot, stdio: 'inherit', env: testEnvironment(missing), timeout: runTimeoutMs, killSignal: 'SIGINT' },
  );
  return status ?? 1;
}

function testEnvironment(missing: readonly string[]): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: testPath(),
    // Each file is a process that loads much of the sources: with what Node has compiled of them before, it takes two thirds of the time.
    NODE_COMPILE_CACHE: compileCache,
    GATEHOUSE_FUZZ_RUNS: process.env['GATEHOUSE_FUZZ_RUNS'] ?? fuzzRuns,
    // Tests that need one of these programs skip with its name as the reason.
    GATEHOUSE_MISSING_TOOLS: missing.join(','),
  };
}

process.exitCode = await main(process.argv.slice(2));
